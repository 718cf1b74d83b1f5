/** Small types that commands, messages, the store and the services share (smp.md §1, §2). */

/** An id of a queue, link, notifier or service: 24 bytes when made by a server; any 0 to 255 bytes on the wire. */
export type EntityId = Uint8Array

/** Correlation id: 24 random bytes from clients, empty in server events, any 0 to 255 bytes on the wire. */
export type CorrId = Uint8Array

/** Id of a stored message: 24 bytes made by the server; also the nonce of the delivered body. */
export type MsgId = Uint8Array

/** tls-unique value of the connection: 32 bytes (TLS 1.3), 12 bytes (TLS 1.2). */
export type SessionId = Uint8Array

/** Zero bytes: the entity id of commands that have none. */
export const NO_ENTITY: EntityId = new Uint8Array(0)

/** Zero bytes: the correlation id of server events. */
export const NO_CORR_ID: CorrId = new Uint8Array(0)

/** Bytes of an id made by a server, of a message id and of a client's correlation id. */
export const ID_LENGTH = 24

/** `messaging`: one sender, who may secure the queue. `contact`: open to many senders. Absent: made below v9. */
export type QueueMode = "messaging" | "contact"

/** What `NEW` does with the connection: `S` subscribes it to the new queue, `C` does not. */
export type SubscriptionMode = "subscribe" | "create-only"

/** Role a service presents in its hello: messaging, notifier, proxy (transport.md §3.3). */
export type ServiceRole = "M" | "N" | "P"

/** Flags of `SEND`; unknown later flags are skipped when reading and never written. */
export interface MessageFlags {
  /** The recipient's notifier, if any, is to be told. */
  readonly notification: boolean
}

/** Data behind a short link; opaque to the server. Each part 0 to 65535 bytes. */
export interface LinkData {
  readonly fixed: Uint8Array
  readonly user: Uint8Array
}

/** Who speaks in a command, which decides by which id the server finds the queue (smp.md §2, column Party). */
export type Party =
  | "creator"
  | "recipient"
  | "recipient-service"
  | "sender"
  | "idle"
  | "link"
  | "blob"
  | "notifier"
  | "notifier-service"
  | "proxied"
  | "proxy"
  | "resolver"

/** Number and id hash of the queues of a service (smp.md §2.4). `count` is a signed 64-bit number; −1 is "unknown". */
export interface ServiceCounters {
  readonly count: bigint
  /** XOR of the MD5 digests of the ids: 16 bytes from writers, any 0 to 255 bytes accepted by readers. */
  readonly hash: Uint8Array
}
