/** Bytes of the ID of a queue, notifier or service. */
export const ID_BYTES = 24
/** IDs in one event at the most. */
export const MAX_IDS = 1024

/** Longest body of a message that a hint carries, bytes: that of the earliest versions of SMP. */
export const MAX_CARRIED_BODY = 16_088

/** For what a service or client is subscribed. */
export type ServiceKind = "messages" | "notifications"

/** What nodes claim: the subscription of a service to one kind, or of a connection to one notifier. */
export type ClaimKind = ServiceKind | "notifier"

/** A message that a hint carries, as it was stored. Its bytes may be views on a received payload. */
export interface CarriedMessage {
  /**
   * Which filling of the queue it was: the receiver may push it only if it saw the queue empty at the number before.
   * Whoever is late or was overtaken by a reading has seen another number, and reads the queue.
   */
  readonly filling: number
  readonly id: Uint8Array
  /** Seconds. */
  readonly timestamp: number
  readonly notify: boolean
  /** End-to-end encrypted, up to {@link MAX_CARRIED_BODY} bytes. */
  readonly body: Uint8Array
}

/**
 * What one node tells another. All of it is hints: what is stored is the truth, and what a hint tells is looked up or
 * compared with an epoch before anything follows from it. IDs have 24 bytes and may be views on a received payload.
 */
export type FleetEvent =
  /** A message was stored in a queue that was empty, whose subscription of this epoch the receiver has. */
  | {
      readonly tag: "stored"
      readonly recipientId: Uint8Array
      readonly epoch: number
      readonly carried?: CarriedMessage | undefined
    }
  /** The subscription of this epoch ended, because the queue was subscribed elsewhere (END). */
  | { readonly tag: "moved"; readonly recipientId: Uint8Array; readonly epoch: number }
  /** The queue was deleted; the receiver had its subscription of this epoch (DELD). */
  | { readonly tag: "deleted"; readonly recipientId: Uint8Array; readonly epoch: number }
  /** An operator blocked the queue (`ERR BLOCKED`). */
  | { readonly tag: "blocked"; readonly recipientId: Uint8Array; readonly epoch: number }
  /** A message was stored in an empty queue of a service that the receiver may have. */
  | { readonly tag: "storedForService"; readonly serviceId: Uint8Array; readonly recipientId: Uint8Array }
  /** An operator blocked a queue of a service. */
  | { readonly tag: "blockedForService"; readonly serviceId: Uint8Array; readonly recipientId: Uint8Array }
  /** A queue or notifier left the service: for another subscriber, or because it is gone. */
  | {
      readonly tag: "leftService"
      readonly kind: ServiceKind
      readonly deleted: boolean
      readonly serviceId: Uint8Array
      readonly id: Uint8Array
    }
  /** Notifications were stored for these notifiers, of a service or without one. */
  | {
      readonly tag: "notified"
      readonly serviceId?: Uint8Array | undefined
      readonly notifierIds: readonly Uint8Array[]
    }
  /** The notifier is gone (DELD). */
  | { readonly tag: "notifierDeleted"; readonly notifierId: Uint8Array }
  /** The sender has these subscriptions now; an earlier order ends (END, ENDS). */
  | {
      readonly tag: "claimed"
      readonly kind: ClaimKind
      readonly order: number
      readonly ids: readonly Uint8Array[]
    }
  /** The sender's subscription for the service ended with its connection. */
  | {
      readonly tag: "released"
      readonly kind: ServiceKind
      readonly order: number
      readonly serviceId: Uint8Array
    }
  /** The sender is new, or missed something: who has claims of services tells it. */
  | { readonly tag: "hello" }
  /** The sender could not publish for a time: the receiver looks for what it was not told. */
  | { readonly tag: "missed" }
  /** The sender stops and has published everything: nothing needs to be looked for when its lease ends. */
  | { readonly tag: "leaving" }

export type EventTag = FleetEvent["tag"]
