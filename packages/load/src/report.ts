import type { Histogram, LatencySummary } from "./histogram.ts"

/** The modes of the load generator. */
export const MODES = ["messages", "connect", "queues", "subscribe", "idle", "restart"] as const
export type Mode = (typeof MODES)[number]

/** What a run found out. Everything is plain data; `sluice bench relay --json` prints it as it is. */
export interface LoadReport {
  readonly mode: Mode
  /** Host and port, without fingerprint and password. */
  readonly server: string
  /** Protocol version that was agreed on. */
  readonly version: number
  /** What the run was asked for, by the names of the options. */
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** In the order in which they ran. */
  readonly parts: readonly PartReport[]
}

/** One measured part of a run. */
export interface PartReport {
  readonly name: string
  /** What is counted. */
  readonly unit: string
  readonly count: number
  readonly seconds: number
  readonly perSecond: number
  /** How often each failure came; empty if nothing failed. */
  readonly errors: Readonly<Record<string, number>>
  /** Milliseconds. */
  readonly latencies: Readonly<Record<string, LatencySummary>>
  /** Cost of the load generator itself. */
  readonly client: CpuReport
  /** Cost of the server, if its process is known. */
  readonly server?: ServerReport
}

/** CPU time of one process during a part. */
export interface CpuReport {
  readonly cpuSeconds: number
  /** CPU seconds for 1,000 units. */
  readonly cpuPerThousand: number
  /** CPU seconds per second; 1 is one core all the time. */
  readonly cores: number
}

/** CPU time and memory of the server during a part; memory in bytes. */
export interface ServerReport extends CpuReport {
  readonly rssBefore: number
  readonly rssAfter: number
  readonly rssPeak: number
  /** Growth of the memory for each unit. */
  readonly rssPerUnit: number
}

/** A part with the whole distributions of its latencies, for plots. */
export interface MeasuredPart {
  readonly report: PartReport
  readonly latencies: ReadonlyMap<string, Histogram>
}

/** Result of a run. */
export interface LoadResult {
  readonly report: LoadReport
  readonly parts: readonly MeasuredPart[]
}

/**
 * From this share of a core on, the load generator may be what limits a run: it is one thread, and waits for its turn on
 * the same machine.
 */
export const CLIENT_LIMIT = 0.85
