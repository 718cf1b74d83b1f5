import type {
  BlockingInfo,
  LinkData,
  NewMessage,
  NewNotification,
  Notifier,
  PendingNotification,
  QueueRecord,
  QueueStatus,
  ServiceKind,
  ServiceRecord,
  ServiceRole,
  ServiceTotals,
  StoredMessage,
} from "./records.ts"

/** The process that holds a queue's subscription, and the number of the subscription: both must match to act on it. */
export interface Owner {
  /** Name of the node, unique in the fleet for the life of its process. */
  readonly node: string
  /** Grows with every subscription to the queue, whoever makes it. */
  readonly epoch: number
}

/** Why a change of a queue was refused. Nothing was changed. */
export type Refusal =
  /** No such queue, or it was deleted meanwhile. */
  | "no-queue"
  /** An operator blocked it; `info` says why. */
  | "blocked"
  /** Secured with another key. */
  | "other-key"
  /** The queue's mode does not allow it. */
  | "wrong-mode"
  /** Link data of a secured messaging queue cannot change. */
  | "secured"
  /** The queue has a link with another ID or other fixed data. */
  | "link-differs"
  /** The queue has no link data. */
  | "no-link"
  /** An ID is in use already. */
  | "id-taken"

export type Refused = { readonly ok: false; readonly refusal: Refusal; readonly info?: BlockingInfo }
/** The changed record and what the operation adds, or why it was refused. */
export type Outcome<T = unknown> = ({ readonly ok: true } & T) | Refused

/** Which of the new queue's IDs is in use already. */
export type Collision = "recipient" | "sender" | "notifier" | "link"

export interface EnqueueOptions {
  /** Messages that a queue holds before it refuses more, without the marker. */
  readonly quota: number
  /** Remove messages older than this from the head first (expire on send), seconds. */
  readonly expireBefore?: number
  /** Only if the record is still the one that has this revision. */
  readonly revision?: string | undefined
  /** Stored with the message when the notifier is still this one. */
  readonly notification?: {
    readonly notifierId: Uint8Array
    readonly nonce: Uint8Array
    readonly encryptedMetadata: Uint8Array
  }
}

export type EnqueueResult =
  | {
      readonly result: "stored"
      /** The queue held nothing before (after expiry): only then is the message pushed (smp.md §4.3). */
      readonly wasEmpty: boolean
      /** With `wasEmpty`: which filling of the queue this is, see {@link Peeked}. */
      readonly filling?: number
      /** Where the subscription is, if anywhere. */
      readonly owner?: Owner
      readonly rcvServiceId?: Uint8Array
      /** Whether the notification was stored as well. */
      readonly notified: boolean
      readonly expired: number
    }
  | { readonly result: "quota"; readonly markerStored: boolean; readonly expired: number }
  | { readonly result: "no-queue" | "off" }
  /** The record has not the given revision. */
  | { readonly result: "changed" }
  | { readonly result: "blocked"; readonly info: BlockingInfo }

export interface Subscribed {
  readonly queue: QueueRecord
  readonly owner: Owner
  /** Who was subscribed before, for END. */
  readonly previousOwner?: Owner
  /** The service that the queue was associated with before, when that changed. */
  readonly previousServiceId?: Uint8Array
  /** First stored message. */
  readonly head?: StoredMessage
  /** Without `head`: as in {@link Peeked}. */
  readonly filling?: number
}

/** What a look at a queue finds: its first message, or nothing. */
export interface Peeked {
  readonly head?: StoredMessage | undefined
  /**
   * Without `head`: how often the queue was filled so far, that is, a message came into it while it was empty. A message
   * with the next number is the first one after this moment. Numbers may begin again where the storage lost its latest
   * changes. Absent in stores whose nodes all see a message as soon as it is stored, and need no number to compare.
   */
  readonly filling?: number | undefined
}

export type AcknowledgeResult =
  | {
      readonly result: "acknowledged"
      /** What was removed; absent when the head has another ID (expired, or acknowledged elsewhere). */
      readonly removed?: { readonly kind: StoredMessage["kind"]; readonly timestamp: number; readonly notify: boolean }
      readonly next?: StoredMessage
      /** Without `next`: as in {@link Peeked}. */
      readonly filling?: number
    }
  | { readonly result: "no-queue" }
  /** The record has not the given revision. */
  | { readonly result: "changed" }
  /** The subscription is another's by now: the caller lost it. */
  | { readonly result: "not-owner" }

/** A record that may be out of date, as far as the fields are concerned that its revision is about. */
export interface Recalled {
  readonly queue: QueueRecord | undefined
  /** Changes with every change of the record, except of link and day of last use. */
  readonly revision?: string
  /** Whether it is from memory, and not what is stored now. */
  readonly remembered: boolean
}

/**
 * One bounded step of a walk over the store: call again with the returned `cursor` until it is absent. What is there
 * during the whole walk is visited exactly once, whatever is added and removed between the steps. `limit` bounds what a
 * step visits, not what it finds: a step may return little or nothing and still have a cursor.
 */
export interface Step {
  readonly cursor?: Uint8Array
}

/** What could not be imported because an ID belongs to something else; the rest was. */
export interface ImportResult {
  /** IDs of the queues (recipient IDs) or services that were left out. */
  readonly conflicts: readonly Uint8Array[]
}

/** A queue with all that belongs to it, from another store. */
export interface ImportedQueue {
  readonly queue: QueueRecord
  /** Kept only when the record has a link ID. */
  readonly linkData?: LinkData
  readonly messages?: readonly StoredMessage[]
  /** Whether more may be sent before the queue was emptied (smp.md §5); by default, unless the last is the marker. */
  readonly canWrite?: boolean
}

/** Numbers of what is stored, kept with every change: asking for them costs the same whatever they are. */
export interface StoreCounts {
  readonly queues: number
  /** Without quota markers. */
  readonly messages: number
  /** Queues with a notifier. */
  readonly notifiers: number
  readonly notifications: number
  /** Services of all roles. */
  readonly services: number
  /** Those of role `M`. */
  readonly messageServices: number
  /** Those of role `N`. */
  readonly notificationServices: number
  /** Queues that are associated with a service for their messages. */
  readonly messageServiceQueues: number
  /** Queues whose notifier is associated with a service. */
  readonly notificationServiceQueues: number
}

/** Those of an empty store. */
export const NO_COUNTS: StoreCounts = {
  queues: 0,
  messages: 0,
  notifiers: 0,
  notifications: 0,
  services: 0,
  messageServices: 0,
  notificationServices: 0,
  messageServiceQueues: 0,
  notificationServiceQueues: 0,
}

/**
 * The queue store: whole, atomic domain operations (design.md §3).
 *
 * A promise of a change resolves when the change is committed at the configured durability, never before. Changes that
 * were started in some order on one queue take effect, and settle, in that order. Look-ups do not wait for changes that
 * are under way: they see what is committed when they are called. Every operation rejects with {@link StoreError} when
 * the storage fails, and then has changed nothing, as far as the storage can tell.
 *
 * IDs of queues, senders, notifiers, services and messages have 24 bytes, link IDs 1 to 255. Operations named with an ID
 * that is not there, or could never be, say so in their result; creating something with an ID that cannot be stored is
 * refused as if the ID were taken. Arguments may be views on a receive buffer: they must not change until the promise
 * settled and are not kept afterwards. Records and messages that are returned belong to the caller.
 */
export interface QueueStore extends AsyncDisposable {
  // Look-ups. Positions of results match positions of IDs.
  queueByRecipient(recipientId: Uint8Array): Promise<QueueRecord | undefined>
  queueBySender(senderId: Uint8Array): Promise<QueueRecord | undefined>
  queueByNotifier(notifierId: Uint8Array): Promise<QueueRecord | undefined>
  queueByLink(linkId: Uint8Array): Promise<QueueRecord | undefined>
  queuesByRecipient(recipientIds: readonly Uint8Array[]): Promise<(QueueRecord | undefined)[]>
  queuesByNotifier(notifierIds: readonly Uint8Array[]): Promise<(QueueRecord | undefined)[]>
  linkData(recipientId: Uint8Array): Promise<LinkData | undefined>
  /**
   * A record for a decision that the next operation confirms: one from memory is as good, as that operation is given its
   * revision. A decision against whoever asks needs the record as it is. For stores where looking up costs a round trip; absent
   * in others.
   */
  recall?(by: "recipient" | "sender", id: Uint8Array): Promise<Recalled>

  // Queues.
  /** Stores the record, its indexes and its link data, or nothing; names the first ID that is taken. */
  createQueue(
    queue: QueueRecord,
    options?: { readonly linkData?: LinkData; readonly subscriber?: string },
  ): Promise<
    { readonly created: true; readonly owner?: Owner } | { readonly created: false; readonly collision: Collision }
  >
  /**
   * Sets the sender key (smp.md §2.2): `by` the recipient for KEY, the sender for SKEY, a link for LKEY. The latter two
   * need a queue of messaging mode; LKEY also needs link data and returns it. The same key again is fine.
   */
  secure(
    recipientId: Uint8Array,
    senderKey: Uint8Array,
    by: "recipient" | "sender" | "link",
  ): Promise<Outcome<{ readonly queue: QueueRecord; readonly linkData?: LinkData }>>
  /** Replaces the recipient keys of a contact queue (RKEY). */
  setRecipientKeys(
    recipientId: Uint8Array,
    keys: readonly Uint8Array[],
  ): Promise<Outcome<{ readonly queue: QueueRecord }>>
  /** Stores link data under the rules of LSET (smp.md §2.3). */
  setLink(
    recipientId: Uint8Array,
    linkId: Uint8Array,
    data: LinkData,
  ): Promise<Outcome<{ readonly queue: QueueRecord }>>
  /** Removes link ID and data; also fine when there is none (LDEL). */
  deleteLink(recipientId: Uint8Array): Promise<Outcome<{ readonly queue: QueueRecord }>>
  /** Sets or replaces the notifier; the earlier one's pending notifications are removed (NKEY). */
  setNotifier(
    recipientId: Uint8Array,
    notifier: Notifier,
  ): Promise<Outcome<{ readonly queue: QueueRecord; readonly previous?: Notifier }>>
  /** Removes the notifier and its pending notifications (NDEL). */
  deleteNotifier(
    recipientId: Uint8Array,
  ): Promise<Outcome<{ readonly queue: QueueRecord; readonly previous?: Notifier }>>
  /** Suspends (OFF), or sets any other status. Works on a blocked queue too. */
  setStatus(
    recipientId: Uint8Array,
    status: QueueStatus,
  ): Promise<Outcome<{ readonly queue: QueueRecord; readonly previous: QueueStatus; readonly owner?: Owner }>>
  /** Blocks the queue, or changes why it is blocked. A suspended queue stays suspended beneath the block. */
  block(
    recipientId: Uint8Array,
    info: BlockingInfo,
  ): Promise<Outcome<{ readonly queue: QueueRecord; readonly previous: QueueStatus; readonly owner?: Owner }>>
  /** Takes a block back: the queue is active, or suspended if it was. Any other queue is left as it is. */
  unblock(recipientId: Uint8Array): Promise<Outcome<{ readonly queue: QueueRecord; readonly previous: QueueStatus }>>
  /** Removes the queue with everything that belongs to it; `messages` counts what it held, without a marker. */
  deleteQueue(
    recipientId: Uint8Array,
  ): Promise<Outcome<{ readonly queue: QueueRecord; readonly messages: number; readonly owner?: Owner }>>
  /** Sets the last-use day where it differs; unknown IDs are skipped. */
  touch(recipientIds: readonly Uint8Array[], day: number): Promise<void>

  // Subscriptions and messages.
  /**
   * Moves the subscription to a node and reads the first message. `service` is the service of the subscribing session:
   * the queue becomes associated with it, or with none when it is absent (smp.md §4.7).
   */
  subscribe(
    requests: readonly { readonly recipientId: Uint8Array; readonly serviceId?: Uint8Array }[],
    node: string,
  ): Promise<Outcome<Subscribed>[]>
  /** Gives the subscription up, if it is still this one. */
  unsubscribe(recipientId: Uint8Array, owner: Owner): Promise<void>
  /**
   * Stores a message, or the quota marker in its place (checks 4 to 8 of smp.md §2.6). Link data of a secured messaging
   * queue is removed first, even when the message is then refused for quota.
   */
  enqueue(recipientId: Uint8Array, message: NewMessage, options: EnqueueOptions): Promise<EnqueueResult>
  /** First stored message of each queue. */
  peek(recipientIds: readonly Uint8Array[]): Promise<Peeked[]>
  /**
   * Removes the head if it has this ID, and returns the new head. With `owner` only while that subscription holds;
   * without it for clients that use GET. An ID that is not the head's removes nothing (smp.md §4.4). With `revision` only
   * if the record is still the one that has it.
   */
  acknowledge(
    recipientId: Uint8Array,
    messageId: Uint8Array,
    owner?: Owner,
    revision?: string,
  ): Promise<AcknowledgeResult>
  /** Number of stored items with markers, and the head without its body (QUE). */
  queueInfo(recipientId: Uint8Array): Promise<{
    readonly size: number
    readonly head?: { readonly id: Uint8Array; readonly timestamp: number; readonly kind: StoredMessage["kind"] }
  }>

  // Notifications.
  /** The oldest pending notifications of a notifier. */
  notifications(notifierId: Uint8Array, limit: number): Promise<PendingNotification[]>
  /** Removes those up to and with this sequence number. */
  removeNotifications(notifierId: Uint8Array, throughSequence: number): Promise<number>
  /** Notifier IDs that have something pending, in their order; with `serviceId` only those associated with it. */
  pendingNotifiers(
    options: { readonly serviceId?: Uint8Array; readonly limit: number } & Step,
  ): Promise<Step & { readonly notifierIds: Uint8Array[] }>

  // Services.
  /** Finds the service of a certificate, or creates it with the given ID; another role is refused. */
  registerService(
    service: ServiceRecord,
  ): Promise<
    | { readonly ok: true; readonly service: ServiceRecord; readonly created: boolean }
    | { readonly ok: false; readonly role: ServiceRole }
  >
  serviceById(serviceId: Uint8Array): Promise<ServiceRecord | undefined>
  /** Associates a notifier with a service, or with none (NSUB). */
  associateNotifier(
    notifierId: Uint8Array,
    serviceId: Uint8Array | undefined,
  ): Promise<
    Outcome<{ readonly queue: QueueRecord; readonly previousServiceId?: Uint8Array; readonly changed: boolean }>
  >
  /** Absent for a service that is not registered. */
  serviceTotals(serviceId: Uint8Array, kind: ServiceKind): Promise<ServiceTotals | undefined>
  /** IDs of the associated queues: recipient IDs for messages, notifier IDs for notifications. */
  serviceQueues(
    serviceId: Uint8Array,
    kind: ServiceKind,
    options: { readonly limit: number } & Step,
  ): Promise<Step & { readonly ids: Uint8Array[] }>

  // Periodic work, in bounded steps.
  /** Removes messages older than `before` from the heads of at most `limit` queues with messages. */
  expireMessages(
    options: { readonly before: number; readonly limit: number } & Step,
  ): Promise<Step & { readonly expired: number }>
  expireNotifications(
    options: { readonly before: number; readonly limit: number } & Step,
  ): Promise<Step & { readonly expired: number }>
  /**
   * Removes link data of messaging queues that were created before `before` and never secured. Where the day of creation
   * is not known the last use stands for it. `limit` counts queues with link data.
   */
  expireLinks(
    options: { readonly before: number; readonly limit: number } & Step,
  ): Promise<Step & { readonly expired: number }>

  // Administration, export and import.
  /** Numbers that the store knows without counting. */
  counts(): Promise<StoreCounts>
  /** Records of at most `limit` queues in the order of recipient IDs. */
  queues(options: { readonly limit: number } & Step): Promise<Step & { readonly queues: QueueRecord[] }>
  services(options: { readonly limit: number } & Step): Promise<Step & { readonly services: ServiceRecord[] }>
  /** All stored messages of a queue in order. */
  messages(recipientId: Uint8Array): Promise<StoredMessage[]>
  /**
   * Writes whole queues as they were elsewhere, at most some hundreds in one call. What is there already under the same
   * recipient ID is replaced; an entry with another ID that belongs to another queue is left out.
   */
  importQueues(entries: readonly ImportedQueue[]): Promise<ImportResult>
  /** Appends pending notifications; those of unknown notifiers are left out and named. */
  importNotifications(
    entries: readonly { readonly notifierId: Uint8Array; readonly notifications: readonly NewNotification[] }[],
  ): Promise<ImportResult>
  /** Registers services under their own IDs; one whose certificate belongs to another ID is left out. */
  importServices(services: readonly ServiceRecord[]): Promise<ImportResult>
  /**
   * Whether changes can be stored; rejects with the reason when they cannot. A Redis that is out of memory takes those that
   * make room, so it resolves there, too.
   */
  check(): Promise<void>
  /** Waits for what was started, then closes. Later operations reject; closing again does nothing. */
  close(): Promise<void>
}
