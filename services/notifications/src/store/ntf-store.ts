import type { AuthKey, PrivateKey } from "@sluice/crypto/keys"
import type { Server } from "@sluice/encoding/server-address"
import type { NotifierKey } from "@sluice/ntf-protocol/commands"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import type { MessageEntry } from "@sluice/ntf-protocol/message-list"
import type { InvalidReason, SubscriptionStatus, TokenStatus } from "@sluice/ntf-protocol/status"
import type { EntityId, ServiceCounters } from "@sluice/smp-protocol/types"
import type { Credentials } from "@sluice/transport/credentials"

/** A registration of a device token (notifications.md §7). */
export interface TokenRecord {
  /** 24 bytes. */
  readonly tokenId: EntityId
  readonly device: DeviceToken
  readonly status: TokenStatus
  readonly verifyKey: AuthKey
  /** Server's half of the secret; repeated registrations compute it anew. */
  readonly dhKey: PrivateKey<"x25519">
  /** Encrypts pushes, 32 bytes. */
  readonly secret: Uint8Array
  /** What the verification push proves, 32 bytes. */
  readonly code: Uint8Array
  /** Minutes between periodic pushes; 0 is off. */
  readonly cronMinutes: number
  /** When the last one was accepted or the period began, Unix seconds. */
  readonly cronSentAt: number
  /** Day since the epoch of the last access. */
  readonly seenDay: number
}

/** Relays are known by 16 bytes of the SHA-256 of their binary address: hosts in their order, port, key hash. */
export type RelayId = Uint8Array

/** A subscription of a token to the notifications of a queue. */
export interface SubscriptionRecord {
  /** 24 bytes. */
  readonly subscriptionId: EntityId
  readonly tokenId: EntityId
  readonly relayId: RelayId
  readonly server: Server
  readonly notifierId: EntityId
  readonly notifierKey: NotifierKey
  readonly status: SubscriptionStatus
  /** It belongs to the service that this server is at the relay, whose subscription covers it. */
  readonly associated: boolean
}

/** What is known about a relay. */
export interface RelayRecord {
  readonly relayId: RelayId
  readonly server: Server
  /** Id that the relay gave to our service. */
  readonly serviceId: EntityId | undefined
  /** Certificate that this server shows to this relay, and to no other. */
  readonly credentials: Credentials | undefined
  /** Number and hash of the associated subscriptions that are subscribed again. */
  readonly counters: ServiceCounters
  /** Subscriptions of any status. */
  readonly total: number
  /** The connection is up and everything was subscribed again. */
  readonly up: boolean
}

/** A queue that is not to be listened to any more. */
export interface DroppedQueue {
  readonly relayId: RelayId
  readonly notifierId: EntityId
}

/** What one token may have. */
export interface TokenLimits {
  readonly subscriptions: number
  readonly relays: number
}

export type CreatedSubscription =
  /** `subscription` is to be made at the relay. */
  | { readonly result: "created"; readonly subscription: SubscriptionRecord }
  /** The same was made before. */
  | { readonly result: "exists"; readonly subscriptionId: EntityId }
  /** The queue belongs to another token, or to this one with another key; or the token has gone. */
  | { readonly result: "refused" }
  /** The token has as many as it may have. */
  | { readonly result: "limit" }

/** A notification of a relay. */
export interface ReceivedNotification {
  readonly notifierId: EntityId
  /** 24 bytes. */
  readonly nonce: Uint8Array
  readonly meta: Uint8Array
}

/** What became of a batch of notifications. */
export interface RecordedNotifications {
  /** Tokens that have something to be pushed now, each once. */
  readonly tokens: readonly EntityId[]
  /** Notifications that nobody may get: unknown queue, or token not active. */
  readonly unwanted: number
}

/** Pushes that are stored before they are sent. There is at most one of each kind for a token. */
export type StoredPushKind = "verification" | "message"

/** A push that waits to be sent. */
export interface PushReference {
  readonly tokenId: EntityId
  readonly kind: StoredPushKind
}

/** The same with all that is needed to send it. */
export interface PendingPush extends PushReference {
  /** Grows with every change; {@link NtfStore.finishPush} is for this content only. */
  readonly sequence: number
  readonly token: TokenRecord
  /** Of a message: up to 6 queues' last notifications, oldest first. */
  readonly entries: readonly MessageEntry[]
}

/** What a relay, or its silence, said about subscriptions. */
export interface SubscriptionUpdate {
  readonly notifierId: EntityId
  readonly status: SubscriptionStatus
  /** Absent: as it was. */
  readonly associated?: boolean
}

/** A bounded step through many records. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Where the next step begins; absent at the end. */
  readonly next?: Uint8Array | undefined
}

export interface PageOptions {
  readonly after?: Uint8Array | undefined
  readonly limit: number
}

/** What a step removed, and where the next one begins; absent at the end. */
export interface RemovedTokens {
  readonly removed: number
  readonly next?: Uint8Array | undefined
}

/** Numbers of what is stored. */
export interface StoreCounts {
  readonly tokens: number
  readonly subscriptions: number
  readonly notifications: number
  readonly pushes: number
  readonly relays: number
}

/**
 * Everything that a notification server keeps. Every operation is atomic, and durable when its promise resolves; it
 * rejects with `StoreError` and has then changed nothing. Records are copies: nobody changes them. One contract suite
 * (`test/store-contract.ts`) holds every implementation to this.
 */
export interface NtfStore {
  /** A new registration with a verification to be pushed. `taken`: the same device token and key are registered. */
  createToken(token: TokenRecord): Promise<"created" | "taken">
  token(tokenId: EntityId): Promise<TokenRecord | undefined>
  /** The registration of this device token with this key. */
  registration(device: DeviceToken, verifyKey: AuthKey): Promise<TokenRecord | undefined>
  /**
   * The registration was repeated: an invalid or expired one is REGISTERED again, others stay as they are, and its
   * verification is to be pushed again. Absent if it has gone.
   */
  repeatRegistration(tokenId: EntityId): Promise<TokenRecord | undefined>
  /**
   * The code came back: the token is ACTIVE if its status allows that and its code is this one; all other registrations
   * of the same device token go with their subscriptions. Absent if not allowed.
   */
  activateToken(tokenId: EntityId, code: Uint8Array): Promise<readonly DroppedQueue[] | undefined>
  /** Another device token for the same registration: REGISTERED, with a new code to be pushed to it. */
  replaceToken(tokenId: EntityId, device: DeviceToken, code: Uint8Array): Promise<"replaced" | "taken" | "absent">
  /** Removes a registration with its subscriptions and what is to be pushed. Absent if there is none. */
  deleteToken(tokenId: EntityId): Promise<readonly DroppedQueue[] | undefined>
  /**
   * A step of removing registrations that were never verified and last seen before this day since the epoch. One that
   * has ever been ACTIVE stays, whatever became of it since. Gives the number of those removed.
   */
  removeUnverified(before: number, page: PageOptions): Promise<RemovedTokens>
  /** Periodic pushes; 0 minutes is off. The first comes one period after `now` when they were off. */
  setPeriod(tokenId: EntityId, minutes: number, now: number): Promise<boolean>
  /** Notes the day of an access, if it is another one. */
  touchToken(tokenId: EntityId, day: number): Promise<void>
  /** The push service took a verification: a token that is not CONFIRMED or ACTIVE becomes CONFIRMED. */
  confirmToken(tokenId: EntityId, device: DeviceToken): Promise<void>
  /** The push service refuses the token. Nothing happens if the registration has another device token by now. */
  invalidateToken(tokenId: EntityId, device: DeviceToken, reason: InvalidReason): Promise<void>

  createSubscription(
    subscription: Omit<SubscriptionRecord, "status" | "associated" | "relayId">,
    limits: TokenLimits,
  ): Promise<CreatedSubscription>
  /** A subscription with the registration it belongs to. */
  subscription(
    subscriptionId: EntityId,
  ): Promise<{ readonly subscription: SubscriptionRecord; readonly token: TokenRecord } | undefined>
  deleteSubscription(subscriptionId: EntityId): Promise<DroppedQueue | undefined>

  relay(relayId: RelayId): Promise<RelayRecord | undefined>
  /** Relays that have subscriptions. */
  relays(page: PageOptions): Promise<Page<RelayRecord>>
  /** Keeps a certificate for a relay that has none. Gives the one that is kept. */
  keepCredentials(relayId: RelayId, credentials: Credentials): Promise<Credentials | undefined>
  /**
   * The relay knows this server as another service, or as none: all associations end, so that their subscriptions are
   * made one by one. `forget` drops the certificate as well.
   */
  setService(relayId: RelayId, serviceId: EntityId | undefined, forget?: boolean): Promise<void>
  /** Whether the relay is connected and everything is subscribed. */
  setUp(relayId: RelayId, up: boolean): Promise<void>
  /** Subscriptions that are to be made one by one: not associated, in a status that is subscribed again. */
  subscriptionsToMake(relayId: RelayId, page: PageOptions): Promise<Page<SubscriptionRecord>>
  /** Those of these queues that are still there and to be subscribed, in any order. */
  subscriptionsOf(relayId: RelayId, notifierIds: readonly EntityId[]): Promise<readonly SubscriptionRecord[]>
  /** Changes statuses; of queues that have gone meanwhile nothing is changed. Gives the number of those that are there. */
  updateSubscriptions(relayId: RelayId, updates: readonly SubscriptionUpdate[]): Promise<number>

  /**
   * Keeps notifications as the last ones of their queues, in this order, and what is to be pushed because of them. Of
   * each token the 6 newest are kept.
   * @param time Unix seconds
   */
  recordNotifications(
    relayId: RelayId,
    notifications: readonly ReceivedNotification[],
    time: number,
  ): Promise<RecordedNotifications>
  /** What a push holds now; absent when there is none. */
  pendingPush(push: PushReference): Promise<PendingPush | undefined>
  /** Everything that is to be pushed. */
  pendingPushes(page: PageOptions): Promise<Page<PushReference>>
  /** Forgets a push, unless it has changed since. Gives whether there is one still. */
  finishPush(push: PushReference, sequence: number): Promise<boolean>
  /** ACTIVE tokens whose periodic push is due at `now` (Unix seconds); a step looks at `limit` tokens. */
  dueTokens(now: number, page: PageOptions): Promise<Page<TokenRecord>>
  /** A periodic push was accepted. */
  cronSent(tokenId: EntityId, at: number): Promise<void>

  counts(): Promise<StoreCounts>
  /** Makes sure that the store can be written. */
  check(): Promise<void>
  /** Ends it; can be called twice. Everything after that is refused. */
  close(): Promise<void>
}
