import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import type { EntityId, LinkData, MsgId, QueueMode } from "@sluice/smp-protocol/types"

/** What its recipient needs to use a queue. */
export interface RecipientQueue {
  readonly recipientId: EntityId
  readonly recipientKey: AuthPrivateKey
}

/** What a sender needs to use a queue. */
export interface SenderQueue {
  readonly senderId: EntityId
  /** Present once the queue is secured with it; absent before. */
  readonly senderKey?: AuthPrivateKey | undefined
}

/** What a notifier needs to use a queue. */
export interface NotifierQueue {
  readonly notifierId: EntityId
  readonly notifierKey: AuthPrivateKey
}

/** A queue whose delivered messages can be read. */
export interface ReadableQueue {
  /** X25519 secret of recipient and server, 32 bytes, raw. */
  readonly dhSecret: Uint8Array
}

/** A notifier that the server added to a queue. */
export interface CreatedNotifier extends NotifierQueue {
  /** X25519 secret of recipient and server for the metadata of notifications, 32 bytes, raw. */
  readonly dhSecret: Uint8Array
}

/** A queue that the server created: everything that its recipient has to keep. */
export interface CreatedQueue extends RecipientQueue, ReadableQueue {
  /** What the sender gets to know. */
  readonly senderId: EntityId
  /** Absent if the session is below v9. */
  readonly mode?: QueueMode | undefined
  readonly linkId?: EntityId | undefined
  /** The service that owns the subscription, in the session of a service. */
  readonly serviceId?: EntityId | undefined
  readonly notifier?: CreatedNotifier | undefined
}

/** A message as the server delivers it, still encrypted; see `decryptDelivered`. */
export interface ReceivedMessage {
  readonly recipientId: EntityId
  /** 24 bytes; what `acknowledge` wants back. */
  readonly msgId: MsgId
  /** 16122 bytes from a server that follows the protocol. */
  readonly body: Uint8Array
}

/** Result of a subscription. */
export interface Subscribed {
  /** The service that owns the subscription now; absent in sessions without one. */
  readonly serviceId?: EntityId | undefined
}

/** What is behind a short link. */
export interface LinkContent {
  readonly senderId: EntityId
  readonly data: LinkData
}
