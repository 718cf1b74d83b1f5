import { encodeWith } from "@sluice/encoding/writer"
import type { SubscriptionRecord, TokenDeletionRecord, TokenRecord } from "../notifications/records.ts"
import type {
  CommandRecord,
  ConnectionId,
  ConnectionRecord,
  DeliveryRecord,
  ExpiryRecord,
  HashRecord,
  InvitationRecord,
  ReadLinkRecord,
  ReceivedRecord,
  SentRecord,
  UserId,
  UserRecord,
} from "./records.ts"

/** Parts of a key in their order; numbers are whole and not negative. Rows are sorted by their keys. */
export type Key = readonly (Uint8Array | number)[]

/** All tables: what a row holds, and what finds it. */
export interface Tables {
  users: { readonly record: UserRecord; readonly key: readonly [UserId] }
  connections: { readonly record: ConnectionRecord; readonly key: readonly [ConnectionId] }
  sent: { readonly record: SentRecord; readonly key: readonly [ConnectionId, sentId: number] }
  deliveries: {
    readonly record: DeliveryRecord
    readonly key: readonly [ConnectionId, queue: number, sentId: number]
  }
  received: { readonly record: ReceivedRecord; readonly key: readonly [ConnectionId, internalId: number] }
  hashes: { readonly record: HashRecord; readonly key: readonly [ConnectionId, hash: Uint8Array] }
  invitations: { readonly record: InvitationRecord; readonly key: readonly [id: Uint8Array] }
  commands: { readonly record: CommandRecord; readonly key: readonly [number] }
  /** By the key of the link, which nobody can guess. */
  links: { readonly record: ReadLinkRecord; readonly key: readonly [linkKey: Uint8Array] }
  expiries: {
    readonly record: ExpiryRecord
    readonly key: readonly [at: number, ConnectionId, what: Uint8Array | number]
  }
  /** One row at most. */
  notificationTokens: { readonly record: TokenRecord; readonly key: readonly [] }
  notificationDeletions: { readonly record: TokenDeletionRecord; readonly key: readonly [tokenId: Uint8Array] }
  notificationSubscriptions: { readonly record: SubscriptionRecord; readonly key: readonly [ConnectionId] }
}

export type TableName = keyof Tables
export type RecordOf<T extends TableName> = Tables[T]["record"]
export type KeyOf<T extends TableName> = Tables[T]["key"]

/** One change of one row. */
export type StoreChange = {
  [T in TableName]: { readonly table: T; readonly put: RecordOf<T> } | { readonly table: T; readonly remove: KeyOf<T> }
}[TableName]

type KeyReaders = { readonly [T in TableName]: (record: RecordOf<T>) => KeyOf<T> }

/** A number for each table: the first byte of its keys. Never used again for another table. */
export const TABLE_NUMBERS: Readonly<Record<TableName, number>> = {
  users: 1,
  connections: 2,
  sent: 3,
  deliveries: 4,
  received: 5,
  hashes: 6,
  invitations: 7,
  commands: 8,
  links: 9,
  expiries: 10,
  notificationTokens: 11,
  notificationDeletions: 12,
  notificationSubscriptions: 13,
}

const KEYS: KeyReaders = {
  users: ({ id }) => [id],
  connections: ({ id }) => [id],
  sent: ({ connectionId, sentId }) => [connectionId, sentId],
  deliveries: ({ connectionId, queue, sentId }) => [connectionId, queue, sentId],
  received: ({ connectionId, internalId }) => [connectionId, internalId],
  hashes: ({ connectionId, hash }) => [connectionId, hash],
  invitations: ({ id }) => [id],
  commands: ({ number }) => [number],
  links: ({ linkKey }) => [linkKey],
  expiries: ({ at, connectionId, of }) => [at, connectionId, expiring(of)],
  notificationTokens: () => [],
  notificationDeletions: ({ tokenId }) => [tokenId],
  notificationSubscriptions: ({ connectionId }) => [connectionId],
}

/** What an expiry is about, next to its connection. */
function expiring(of: ExpiryRecord["of"]): Uint8Array | number {
  if (of.table === "hashes") return of.hash
  return of.table === "invitations" ? of.id : of.sentId
}

/** The key of a record. */
export function keyOf<T extends TableName>(table: T, record: RecordOf<T>): KeyOf<T> {
  return KEYS[table](record)
}

/** Bytes of a key, or of the first parts of keys: numbers as 8 bytes, bytes behind their length. */
export function keyBytes(table: TableName, key: Key): Uint8Array {
  return encodeWith((w) => {
    w.u8(TABLE_NUMBERS[table])
    for (const part of key) {
      if (typeof part === "number") w.int64(part)
      else w.short(part)
    }
  }, 64)
}
