import type { MetricsRegister } from "@sluice/ops/metrics"
import type { PlainCounter } from "@sluice/ops/plain-metrics"
import type { FailureKind } from "./proxy-error.ts"

/** The five counters of a group (proxy.md §9). */
export interface OutcomeCounters {
  readonly requests: PlainCounter
  readonly successes: PlainCounter
  /** By kind: `errorsConnect`, `errorsCompat`, `errorsOther`. */
  readonly errors: Readonly<Record<FailureKind, PlainCounter>>
}

/** A group for all relays, and the same for those among them that are the operator's own. */
export interface SourceCounters {
  readonly all: OutcomeCounters
  readonly own: OutcomeCounters
}

/** Levels of a proxy, read when scraped. */
export interface ProxyLevels {
  readonly destinations: number
  readonly connecting: number
  readonly running: number
  readonly waiting: number
}

/** What a proxy counts. One record serves one proxy. */
export interface ProxyMetrics {
  /** `pRelays`: `PRXY` that passed the check of the password. */
  readonly sessions: SourceCounters
  /** `pMsgFwds`: `PFWD`. */
  readonly messages: SourceCounters
  /** Where levels are read from; a proxy sets it. */
  levels: () => ProxyLevels
}

const SOURCES = ["all", "own"] as const
const KINDS = ["connect", "compat", "other"] as const

/** Registers what a proxy counts, under the reference's names (relay-operations.md §6) where it has one. */
export function createProxyMetrics(register: MetricsRegister): ProxyMetrics {
  const metrics: ProxyMetrics = {
    sessions: sourceCounters(register, "relay_sessions", "Requests of clients for a session with a relay"),
    messages: sourceCounters(register, "relay_messages", "Commands to be forwarded to relays"),
    levels: () => ({ destinations: 0, connecting: 0, running: 0, waiting: 0 }),
  }
  const gauge = (name: string, help: string, read: (levels: ProxyLevels) => number): void =>
    register.gaugeFrom({ name, help }, () => read(metrics.levels()))
  gauge("sluice_proxy_destinations", "Relays that the proxy is connected to", (l) => l.destinations)
  gauge("sluice_proxy_connecting", "Relays that the proxy is connecting to", (l) => l.connecting)
  gauge("sluice_proxy_commands_running", "Proxy commands under way", (l) => l.running)
  gauge("sluice_proxy_commands_waiting", "Proxy commands of clients that have too many under way", (l) => l.waiting)
  return metrics
}

/** Counts a request, of an own server in both groups. */
export function countRequest(counters: SourceCounters, own: boolean): void {
  counters.all.requests.value++
  if (own) counters.own.requests.value++
}

/** Counts a success. */
export function countSuccess(counters: SourceCounters, own: boolean): void {
  counters.all.successes.value++
  if (own) counters.own.successes.value++
}

/** Counts a failure. */
export function countFailure(counters: SourceCounters, own: boolean, kind: FailureKind): void {
  counters.all.errors[kind].value++
  if (own) counters.own.errors[kind].value++
}

function sourceCounters(register: MetricsRegister, name: string, what: string): SourceCounters {
  const labels = { source: SOURCES }
  const prefix = `simplex_smp_${name}`
  const requests = register.counters({ name: `${prefix}_requests`, help: what, labels })
  const successes = register.counters({ name: `${prefix}_successes`, help: `${what}, successful`, labels })
  const errors = register.counters({
    name: `${prefix}_errors`,
    help: `${what}, failed`,
    labels: { ...labels, type: KINDS },
  })
  const of = (source: (typeof SOURCES)[number]): OutcomeCounters => ({
    requests: requests.with({ source }),
    successes: successes.with({ source }),
    errors: {
      connect: errors.with({ source, type: "connect" }),
      compat: errors.with({ source, type: "compat" }),
      other: errors.with({ source, type: "other" }),
    },
  })
  return { all: of("all"), own: of("own") }
}
