import type {
  BlockingInfo,
  LinkData,
  Notifier,
  QueueRecord,
  ServiceKind,
  ServiceRecord,
} from "@sluice/queue-store/records"

/**
 * A queue as a `CREATE` line has it. Unlike in the store, IDs may have any length of at least one byte, the time of the
 * last use may be missing or any number of seconds, and the link data comes with the record. A `CREATE` line cannot say that
 * a blocked queue was suspended before.
 */
export interface LoggedQueue extends Omit<QueueRecord, "updatedAt" | "createdAt"> {
  readonly updatedAt?: number
  /** Present exactly when `linkId` is. */
  readonly linkData?: LinkData
}

/** One line of the store log (relay-internals.md §11). All but the first two change the queue of `recipientId`. */
export type StoreLogRecord =
  | { readonly tag: "NEW_SERVICE"; readonly service: ServiceRecord }
  | { readonly tag: "CREATE"; readonly recipientId: Uint8Array; readonly queue: LoggedQueue }
  | QueueChange

/** A change of a queue that an earlier line created. */
export type QueueChange = { readonly recipientId: Uint8Array } & (
  | { readonly tag: "LINK"; readonly linkId: Uint8Array; readonly linkData: LinkData }
  | { readonly tag: "LDELETE" }
  | { readonly tag: "SECURE"; readonly senderKey: Uint8Array }
  | { readonly tag: "KEYS"; readonly recipientKeys: readonly Uint8Array[] }
  | { readonly tag: "NOTIFIER"; readonly notifier: Notifier }
  | { readonly tag: "NDELETE" }
  | { readonly tag: "SUSPEND" }
  | { readonly tag: "BLOCK"; readonly info: BlockingInfo }
  | { readonly tag: "UNBLOCK" }
  | { readonly tag: "DELETE" }
  /** Seconds; a whole day, rounded down, where the reference wrote it. */
  | { readonly tag: "TIME"; readonly updatedAt: number }
  /** Absent service: no longer associated. */
  | { readonly tag: "QUEUE_SERVICE"; readonly kind: ServiceKind; readonly serviceId?: Uint8Array }
)

/** Letters of the kinds of association in `QUEUE_SERVICE`. */
export const SERVICE_KINDS: Readonly<Record<ServiceKind, string>> = { messages: "R", notifications: "N" }
