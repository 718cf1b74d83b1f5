import type { LabelChoice, MetricsRegister } from "@sluice/ops/metrics"
import type { PlainCounter, PlainHistogram } from "@sluice/ops/plain-metrics"

/** Limits that refuse connections. */
export const REFUSALS = ["connections", "waiting_handshakes", "per_source", "source_rate", "draining"] as const
export type Refusal = (typeof REFUSALS)[number]

/** What ends a connection while TLS is set up. `closed`: by the peer, without an alert. */
export const TLS_FAILURES = ["timeout", "closed", "alert", "certificate", "source", "draining"] as const
export type TlsFailure = (typeof TLS_FAILURES)[number]

/** What ends a connection in the protocol's handshake. */
export const HANDSHAKE_FAILURES = [
  "timeout",
  "closed",
  "padding",
  "parse",
  "identity",
  "version",
  "bad_auth",
  "bad_service",
  "draining",
  "defect",
] as const
export type HandshakeFailure = (typeof HANDSHAKE_FAILURES)[number]

/** Why sessions ended; see `SessionEnd`. */
export const SESSION_ENDS = ["ended", "cut", "failed", "closed", "idle", "stalled", "defect", "drained"] as const

/** Where a connection is in its life. */
export const STAGES = ["waiting", "tls", "handshake", "session", "web", "closing"] as const
export type Stage = (typeof STAGES)[number]

/** Levels that are read from a server when metrics are scraped. */
export interface ServerLevels {
  readonly connections: Readonly<Record<Stage, number>>
  /** Sessions that are not read from, because their input or output is full. */
  readonly paused: number
  readonly congested: number
  /** Encrypted blocks in sockets, of all sessions. */
  readonly socketBlocks: number
  /** Batches not yet encrypted, of all sessions. */
  readonly waitingBatches: number
  /** Received blocks not yet processed, of all sessions. */
  readonly receivedBlocks: number
}

/** What a server counts. Hot paths add to plain numbers. One record serves one server. */
export interface ServerMetrics {
  readonly accepted: PlainCounter
  readonly closed: PlainCounter
  readonly acceptErrors: PlainCounter
  readonly refused: Readonly<Record<Refusal, PlainCounter>>
  readonly tlsFailures: Readonly<Record<TlsFailure, PlainCounter>>
  readonly handshakeFailures: Readonly<Record<HandshakeFailure, PlainCounter>>
  readonly sessionsOpened: PlainCounter
  readonly sessionsEnded: Readonly<Record<(typeof SESSION_ENDS)[number], PlainCounter>>
  readonly blocksIn: PlainCounter
  readonly blocksOut: PlainCounter
  readonly bytesIn: PlainCounter
  readonly bytesOut: PlainCounter
  readonly commandsIn: PlainCounter
  readonly repliesOut: PlainCounter
  /** Blocks that did not decrypt or un-pad. */
  readonly badBlocks: PlainCounter
  /** Transmissions answered with an error before any handler saw them; bad blocks count as one. */
  readonly parseErrors: PlainCounter
  /** Defects: exceptions and rejections of handlers and protocols. */
  readonly defects: PlainCounter
  /** Batches that were dropped because too many waited. */
  readonly droppedBatches: PlainCounter
  readonly tlsSeconds: PlainHistogram
  readonly handshakeSeconds: PlainHistogram
  /** Where levels are read from; a server sets it. */
  levels: () => ServerLevels
}

/** Up to a second for TLS and a round trip or two; then the limits of 60 and 120 s. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 60, 120]

/** Registers what a server counts. In a process with several servers, each needs a register with a label of its own. */
export function createServerMetrics(register: MetricsRegister): ServerMetrics {
  const counter = (name: string, help: string): PlainCounter => register.counter({ name, help })
  const metrics: ServerMetrics = {
    accepted: counter("sluice_connections_accepted_total", "Connections accepted"),
    closed: counter("sluice_connections_closed_total", "Accepted connections whose socket is closed"),
    acceptErrors: counter(
      "sluice_accept_errors_total",
      "Connections that could not be accepted, for want of file descriptors for example",
    ),
    refused: byLabel(register, "sluice_connections_refused_total", "Connections closed by a limit", "limit", REFUSALS),
    tlsFailures: byLabel(register, "sluice_tls_failures_total", "Connections without TLS", "kind", TLS_FAILURES),
    handshakeFailures: byLabel(
      register,
      "sluice_handshake_failures_total",
      "Handshakes of the protocol that failed",
      "kind",
      HANDSHAKE_FAILURES,
    ),
    sessionsOpened: counter("sluice_sessions_opened_total", "Sessions begun, each after a complete handshake"),
    sessionsEnded: byLabel(register, "sluice_sessions_ended_total", "Sessions ended", "end", SESSION_ENDS),
    blocksIn: counter("sluice_blocks_received_total", "Blocks received in sessions"),
    blocksOut: counter("sluice_blocks_sent_total", "Blocks sent in sessions"),
    bytesIn: counter("sluice_block_received_bytes_total", "Bytes of the blocks received in sessions"),
    bytesOut: counter("sluice_block_sent_bytes_total", "Bytes of the blocks sent in sessions"),
    commandsIn: counter("sluice_commands_received_total", "Well-formed commands received"),
    repliesOut: counter("sluice_replies_sent_total", "Answers and events sent"),
    badBlocks: counter("sluice_bad_blocks_total", "Blocks that could not be decrypted or un-padded"),
    parseErrors: counter("sluice_parse_errors_total", "Transmissions answered with an error before being handled"),
    defects: counter("sluice_session_defects_total", "Exceptions in the handling of sessions; each is logged"),
    droppedBatches: counter("sluice_dropped_batches_total", "Batches of events dropped because too many waited"),
    tlsSeconds: register.histogram({
      name: "sluice_tls_setup_seconds",
      help: "From accepting a connection to TLS being set up",
      buckets: SECONDS,
    }),
    handshakeSeconds: register.histogram({
      name: "sluice_handshake_seconds",
      help: "From TLS being set up to the end of the protocol's handshake",
      buckets: SECONDS,
    }),
    levels: () => NO_LEVELS,
  }
  registerLevels(register, metrics)
  return metrics
}

const NO_LEVELS: ServerLevels = {
  connections: { waiting: 0, tls: 0, handshake: 0, session: 0, web: 0, closing: 0 },
  paused: 0,
  congested: 0,
  socketBlocks: 0,
  waitingBatches: 0,
  receivedBlocks: 0,
}

function registerLevels(register: MetricsRegister, metrics: ServerMetrics): void {
  const level = (name: string, help: string, read: (levels: ServerLevels) => number): void =>
    register.gaugeFrom({ name, help }, () => read(metrics.levels()))
  register.gaugeFrom({ name: "sluice_connections", help: "Connections by where they are in their life" }, () =>
    Object.entries(metrics.levels().connections).map(([stage, count]) => [{ stage }, count] as const),
  )
  level(
    "sluice_connections_leaked",
    "Accepted minus closed minus present connections; anything but 0 is a defect",
    ({ connections }) =>
      metrics.accepted.value - metrics.closed.value - Object.values(connections).reduce((sum, count) => sum + count, 0),
  )
  level("sluice_paused_sessions", "Sessions not read from until their input or output is worked off", (l) => l.paused)
  level("sluice_congested_sessions", "Sessions whose peer reads too slowly", (l) => l.congested)
  level("sluice_socket_blocks", "Encrypted blocks waiting in sockets", (l) => l.socketBlocks)
  level("sluice_waiting_batches", "Batches waiting for room in sockets", (l) => l.waitingBatches)
  level("sluice_received_blocks_waiting", "Received blocks waiting to be handled", (l) => l.receivedBlocks)
}

function byLabel<const V extends string>(
  register: MetricsRegister,
  name: string,
  help: string,
  label: string,
  values: readonly V[],
): Readonly<Record<V, PlainCounter>> {
  const family = register.counters({ name, help, labels: { [label]: values } })
  const record = {} as Record<V, PlainCounter>
  for (const value of values) record[value] = family.with({ [label]: value } as LabelChoice<Record<string, V[]>>)
  return record
}
