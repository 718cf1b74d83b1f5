/**
 * What the store keeps for a queue, a message, a notification and a service (relay-internals.md §11).
 *
 * Identifiers are 24 random bytes. Keys are SPKI DER as they came on the wire: 44 bytes for Ed25519 and X25519, 69 for
 * Ed448. DH secrets are the raw 32-byte X25519 results. Times are whole seconds since the Unix epoch.
 */

/** Queue mode of smp.md §1; absent in queues that clients below version 9 made. */
export type QueueMode = "messaging" | "contact"

/** Why an operator blocked a queue, and for how long clients should tell so (smp.md §7). */
export interface BlockingInfo {
  readonly reason: "spam" | "content"
  /** Present when there is a notice; `ttl` in seconds, absent for no end. */
  readonly notice?: { readonly ttl?: number }
}

export type QueueStatus =
  | { readonly tag: "active" }
  | { readonly tag: "off" }
  | {
      readonly tag: "blocked"
      readonly info: BlockingInfo
      /** Its recipient had suspended it before, which it is again when it is unblocked. */
      readonly suspended?: true
    }

/** Credentials of the queue's notifier (smp.md §2.5, NKEY). */
export interface Notifier {
  readonly notifierId: Uint8Array
  /** Key that authorizes NSUB, SPKI DER. */
  readonly key: Uint8Array
  /** Secret that encrypts notification metadata, 32 bytes. */
  readonly dhSecret: Uint8Array
  /** The notification service that the queue is associated with, 24 bytes. */
  readonly serviceId?: Uint8Array
}

export interface QueueRecord {
  readonly recipientId: Uint8Array
  readonly senderId: Uint8Array
  /** 1 to 255 keys; any of them authorizes recipient commands. */
  readonly recipientKeys: readonly Uint8Array[]
  readonly rcvDhSecret: Uint8Array
  /** Absent while the queue is not secured. */
  readonly senderKey?: Uint8Array
  readonly queueMode?: QueueMode
  /** Identifier of the queue's link; the data is read on its own because it can fill a block. */
  readonly linkId?: Uint8Array
  readonly notifier?: Notifier
  /** The service that owns the subscription, 24 bytes. */
  readonly rcvServiceId?: Uint8Array
  readonly status: QueueStatus
  /** UTC day of creation, in seconds (rounded down to a day); absent in imported queues whose creation is not known. */
  readonly createdAt?: number
  /** UTC day of the last use, in seconds (rounded down to a day). */
  readonly updatedAt: number
}

/** Data behind a short link; opaque to the server (smp.md §2.3). */
export interface LinkData {
  readonly fixedData: Uint8Array
  readonly userData: Uint8Array
}

/** A message in a queue, or the marker that tells the recipient that the queue was full (smp.md §5). */
export type StoredMessage =
  | {
      readonly kind: "message"
      /** 24 bytes, also the nonce of the delivered body. */
      readonly id: Uint8Array
      readonly timestamp: number
      /** The sender's notification flag. */
      readonly notify: boolean
      /** What the sender sent, at most 16,088 bytes. */
      readonly body: Uint8Array
    }
  | { readonly kind: "quota"; readonly id: Uint8Array; readonly timestamp: number }

/** A message to be stored; `body` may be a view on a receive buffer, the store does not keep it after its promise settled. */
export type NewMessage = Extract<StoredMessage, { kind: "message" }>

/** A notification that waits for the notifier's subscriber (smp.md §4.6). */
export interface PendingNotification {
  /** Position in the notifier's list, growing; what `removeNotifications` takes. */
  readonly sequence: number
  readonly timestamp: number
  /** 24 bytes. */
  readonly nonce: Uint8Array
  /** 144 bytes. */
  readonly encryptedMetadata: Uint8Array
}

/** A notification as it is handed to the store, which numbers it. */
export type NewNotification = Omit<PendingNotification, "sequence">

/** `M` messaging, `N` notifications, `P` proxy (transport.md §3.3). */
export type ServiceRole = "M" | "N" | "P"

export interface ServiceRecord {
  readonly serviceId: Uint8Array
  readonly role: ServiceRole
  /** SHA-256 of the identity certificate, 32 bytes. */
  readonly fingerprint: Uint8Array
  /** The certificates as the service presented them, DER, leaf first. */
  readonly certificates: readonly Uint8Array[]
  readonly createdAt: number
}

/** Which set of queues of a service is meant: those it receives messages of, or those it gets notifications of. */
export type ServiceKind = "messages" | "notifications"

/** Number of associated queues and XOR of the MD5 of their IDs, 16 bytes (smp.md §2.4). */
export interface ServiceTotals {
  readonly count: number
  readonly idsHash: Uint8Array
}
