import { NO_COUNTS, type StoreCounts } from "./queue-store.ts"

/** Which keys a {@link Table} is asked for: those with the prefix, behind `after`, at most `limit`, in byte order. */
export interface Range {
  readonly prefix?: Uint8Array
  readonly after?: Uint8Array
  readonly limit: number
}

/** An ordered map of bytes to bytes inside of a store. */
export interface Table {
  /** The value, as a view that is valid only until any table is used again. */
  get(key: Uint8Array): Uint8Array | undefined
  has(key: Uint8Array): boolean
  /** Copies key and value. */
  put(key: Uint8Array, value: Uint8Array): void
  /** Also fine when there is nothing. */
  remove(key: Uint8Array): void
  /** Keys in byte order, in memory of their own. */
  keys(range: Range): Uint8Array[]
}

/** Numbers about the whole store, changed together with what they count. */
export type Counters = { -readonly [Name in keyof StoreCounts]: number } & {
  /** The number that the last body or notification got. */
  sequence: number
}

/** Those of an empty store. */
export function noCounters(): Counters {
  return { ...NO_COUNTS, sequence: 0 }
}

/** Everything that a store keeps; the README tells the sizes. Which key and value each has: */
export interface Tables {
  /** recipient ID → queue record */
  readonly queues: Table
  /** sender ID → recipient ID */
  readonly senders: Table
  /** notifier ID → recipient ID */
  readonly notifiers: Table
  /** link ID → recipient ID */
  readonly links: Table
  /** recipient ID → link data */
  readonly linkData: Table
  /** recipient ID → items of the queue without their bodies; absent while the queue is empty */
  readonly messages: Table
  /** body number → body */
  readonly bodies: Table
  /** notifier ID ‖ sequence → notification */
  readonly notifications: Table
  /** service ID → service */
  readonly services: Table
  /** certificate fingerprint → service ID */
  readonly fingerprints: Table
  /** service ID ‖ kind ‖ recipient or notifier ID → nothing */
  readonly serviceQueues: Table
  /** service ID ‖ kind → count and hash */
  readonly serviceTotals: Table
  /** blob ID → blob; a key of one byte → their number */
  readonly blobs: Table
  readonly counters: Counters
}

/** Names of the tables, also in files. */
export type TableName = Exclude<keyof Tables, "counters">
