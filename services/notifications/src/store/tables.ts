/** Which keys a {@link Table} is asked for: those with the prefix, behind `after`, at most `limit`, in byte order. */
export interface KeyRange {
  readonly prefix?: Uint8Array | undefined
  readonly after?: Uint8Array | undefined
  readonly limit: number
}

/** An ordered map of bytes to bytes inside of a store. */
export interface Table {
  /** The value; it may be a view that is valid only until any table is used again. */
  get(key: Uint8Array): Uint8Array | undefined
  /** Copies key and value. */
  put(key: Uint8Array, value: Uint8Array): void
  /** Also fine when there is nothing. */
  remove(key: Uint8Array): void
  /** Keys in byte order, in memory of their own. */
  keys(range: KeyRange): Uint8Array[]
  readonly size: number
}

/** Names of the tables, also in files. Which key and value each has: */
export const TABLE_NAMES = [
  /** token id → registration */
  "tokens",
  /** hash of device token ‖ hash of key → token id */
  "registrations",
  /** subscription id → subscription */
  "subscriptions",
  /** relay id ‖ notifier id → subscription id */
  "notifiers",
  /** token id ‖ subscription id → nothing */
  "tokenSubscriptions",
  /** token id ‖ relay id → number of subscriptions */
  "tokenRelays",
  /** token id ‖ subscription id → sequence, time, nonce, metadata */
  "lastNotifications",
  /** token id ‖ kind → sequence */
  "pushes",
  /** token id of every registration with periodic pushes → nothing */
  "periodic",
  /** token id of every registration that was never verified → nothing */
  "unverified",
  /** relay id → relay */
  "relays",
  /** name → number */
  "numbers",
] as const

export type TableName = (typeof TABLE_NAMES)[number]
export type Tables = Readonly<Record<TableName, Table>>

/** Runs whole operations on tables. */
export interface Engine {
  readonly tables: Tables
  /** Runs the function with nothing else in between and settles when its writes are durable; a failure leaves nothing. */
  change<T>(operation: string, run: () => T): Promise<T>
  /** Runs a function that only reads. */
  read<T>(operation: string, run: () => T): Promise<T>
  close(): Promise<void>
}
