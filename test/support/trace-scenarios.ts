import type { RelayPolicy } from "@sluice/relay/settings"
import type { Trace, TraceBlock } from "./trace-files.ts"

/** Something that happened to the server and that its blocks don't show. */
export interface Incident {
  /** The first block after it: that of a connection with this number, or of a command with this correlation id. */
  readonly before: { readonly connection: number } | { readonly corrId: string }
  readonly restart?: "kept" | "none"
  /** Time that passed. */
  readonly seconds?: number
  /** The periodic removal of old messages ran. */
  readonly expire?: boolean
}

/** How the reference's test had set its server up, where that differs from the others (smp.md §10). */
export interface Scenario {
  /** End of the name of the test. */
  readonly test: string
  readonly policy?: Partial<RelayPolicy>
  readonly incidents?: readonly Incident[]
  /** Messages of each queue that expired before the first that was delivered. */
  readonly undelivered?: number
}

const EXPIRES = { messageTtl: 1 } as const

/** Everything that is not listed here ran with the settings of `REFERENCE_TEST_POLICY` and without incident. */
const SCENARIOS: readonly Scenario[] = [
  { test: "with allowNewQueues = False", policy: { newQueues: false } },
  { test: "send QUOTA message to the recipient", policy: { messageQuota: 2 } },
  {
    test: "restore them after server restart",
    incidents: [
      { before: { connection: 2 }, restart: "none" },
      { before: { connection: 3 }, restart: "kept" },
    ],
  },
  {
    test: "should store messages on exit and restore on start",
    incidents: [
      { before: { connection: 2 }, restart: "kept" },
      { before: { connection: 3 }, restart: "kept" },
    ],
  },
  {
    test: "after two restarts",
    incidents: [
      { before: { connection: 3 }, restart: "kept" },
      { before: { connection: 6 }, restart: "kept" },
    ],
  },
  {
    test: "before messageTTL on SEND",
    policy: { ...EXPIRES, expireOnSend: true },
    incidents: [{ before: { corrId: "2" }, seconds: 2.5 }],
    undelivered: 1,
  },
  {
    test: "before messageTTL after expiry interval",
    policy: EXPIRES,
    incidents: [{ before: { connection: 2 }, seconds: 3, expire: true }],
  },
  {
    test: "should block and unblock message queues",
    policy: EXPIRES,
    incidents: [{ before: { connection: 2 }, seconds: 2.5 }],
  },
  { test: "deliver via proxy", policy: { password: "correct" } },
  { test: "max message size, Ed448 keys", policy: { password: "correct" } },
]

/** What is known about the server of a trace. */
export function scenarioOf(trace: Trace): Scenario {
  return SCENARIOS.find(({ test }) => trace.test.endsWith(test)) ?? { test: trace.test }
}

/** Incidents right before a block. */
export function incidentsBefore(
  { incidents = [] }: Scenario,
  block: TraceBlock,
  corrIds: readonly string[],
): Incident[] {
  return incidents.filter(({ before }) =>
    "connection" in before
      ? block.kind === "server-hello" && block.connection.index === before.connection
      : block.direction === "tx" && corrIds.includes(before.corrId),
  )
}
