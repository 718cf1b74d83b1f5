import type { KeyPair, PrivateKey } from "@sluice/crypto/keys"
import type { Server } from "@sluice/encoding/server-address"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import type { SubscriptionStatus, TokenStatus } from "@sluice/ntf-protocol/status"
import type { EntityId } from "@sluice/smp-protocol/types"

/**
 * What a registered device gets: a background push every 20 minutes, with `instant` also one for each message. Without a
 * registration it gets nothing.
 */
export type NotificationMode = "periodic" | "instant"

/** What is to be done next about a registration; stored before it is done, so that it can be done again. */
export type TokenAction =
  | { readonly type: "register" }
  /** The code of the verification push. */
  | { readonly type: "verify"; readonly code: Uint8Array }
  | { readonly type: "check" }

/** The registration of this device; there is at most one (notifications-client.md §2). */
export interface TokenRecord {
  readonly device: DeviceToken
  /** Chosen once; other servers in the settings do not move it. */
  readonly server: Server
  /** Present once the server has answered. */
  readonly tokenId?: EntityId | undefined
  /** Authorizes everything about the registration and its subscriptions. */
  readonly authKeys: KeyPair<"ed25519">
  /** Kept, because a repeated registration needs the same. */
  readonly dhKeys: KeyPair<"x25519">
  /** Opens pushes, 32 bytes, raw; with `tokenId`. */
  readonly secret?: Uint8Array | undefined
  readonly status: TokenStatus
  readonly action?: TokenAction | undefined
  readonly mode: NotificationMode
}

/** A registration that its server is still to be told to forget. */
export interface TokenDeletionRecord {
  readonly server: Server
  readonly tokenId: EntityId
  readonly key: PrivateKey<"ed25519">
}

/** What is to be done next about a subscription. */
export interface SubscriptionAction {
  /** `key` and `delete` are for the relay, `create` and `check` for the notification server. */
  readonly type: "key" | "delete" | "create" | "check"
  /** Since when, or of `check` not before when; ms since the epoch. */
  readonly at: number
}

/** How far a subscription is. */
export type SubscriptionState =
  | { readonly type: "NEW" | "KEY" | "DELETED" }
  /** The notification server has it; its last word about it. */
  | { readonly type: "CREATED"; readonly status: SubscriptionStatus }

/** Notifications of one connection (notifications-client.md §2). */
export interface SubscriptionRecord {
  readonly connectionId: Uint8Array
  readonly relay: Server
  readonly notifierId?: EntityId | undefined
  readonly ntfServer: Server
  /** The registration that it was made with. */
  readonly tokenId?: EntityId | undefined
  readonly subscriptionId?: EntityId | undefined
  readonly state: SubscriptionState
  /** Absent after an error that no repetition would cure, until notifications of the connection are wanted anew. */
  readonly action?: SubscriptionAction | undefined
  /** The action was set while a worker may have been busy with the one before, whose end must not replace it. */
  readonly changed?: boolean | undefined
}

/** What a relay knows as the notifier of a queue. */
export interface NotifierRecord {
  readonly notifierId: EntityId
  /** Given away to the notification server. */
  readonly notifierKey: PrivateKey<"ed25519">
  /** Opens the metadata of notifications, 32 bytes, raw. */
  readonly dhSecret: Uint8Array
}
