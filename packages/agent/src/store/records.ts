import type { AuthKey, Ed25519Key, KeyPair, OneOfPrivate, PrivateKey, X25519Key } from "@sluice/crypto/keys"
import type { Server } from "@sluice/encoding/server-address"
import type { Version } from "@sluice/encoding/version"
import type { E2eInvitation, E2eParams } from "@sluice/ratchet/e2e-params"
import type { OwnKeys } from "@sluice/ratchet/keys"
import type { MessageKeyMaterial } from "@sluice/ratchet/message-key"
import type { SkippedKey } from "@sluice/ratchet/skipped"
import type { Ratchet } from "@sluice/ratchet/state"
import type { EntityId, MsgId, QueueMode } from "@sluice/smp-protocol/types"
import type { ServerSetting } from "../network/settings.ts"
import type { NotifierRecord } from "../notifications/records.ts"
import type { AMessageTag } from "../protocol/a-message.ts"
import type { Integrity } from "../protocol/integrity.ts"
import type { QueueInfo } from "../protocol/queue-info.ts"

/*
 * What the agent keeps (agent.md §19). Everything that changes together with the ratchet of a connection is one record, so
 * that no crash can separate it; messages are records of their own.
 */

/** 12 random bytes, known to this agent only. */
export type ConnectionId = Uint8Array

/** Whose connections; each has its own servers and network sessions. From 1. */
export type UserId = number

/** A user and what belongs to it. */
export interface UserRecord {
  readonly id: UserId
  readonly servers: readonly ServerSetting[]
  /** Is being deleted: its connections go first. */
  readonly deleted?: boolean | undefined
}

/** agent.md §13. */
export type QueueStatus = "new" | "confirmed" | "secured" | "active" | "disabled"

/** How far the recipient's side of a queue rotation is (agent.md §11). */
export type ReceiveSwitch = "switch_started" | "sending_qadd" | "sending_quse" | "received_message"

/** How far the sender's side of a queue rotation is. */
export type SendSwitch = "sending_qkey" | "sending_qtest"

/** What changes the data behind a short link. */
export interface LinkCredentials {
  readonly linkId: EntityId
  readonly linkKey: Uint8Array
  /** Signs the user data: the root key, or that of an owner. */
  readonly signingKey: PrivateKey<"ed25519">
  /** Present when `signingKey` is not the root key. */
  readonly rootKey?: Ed25519Key | undefined
  /** The sealed fixed data, which must never change. */
  readonly fixed: Uint8Array
}

/** A queue that this side receives from. */
export interface ReceiveQueueRecord {
  /** Its number in the connection, from 1, never used again. */
  readonly key: number
  readonly server: Server
  readonly recipientId: EntityId
  readonly recipientKey: OneOfPrivate<"ed25519" | "ed448" | "x25519">
  /** Secret with the server, raw. */
  readonly dhSecret: Uint8Array
  readonly senderId: EntityId
  readonly mode?: QueueMode | undefined
  readonly e2eKeys: KeyPair<"x25519">
  /** Secret with the sender, raw; absent until its confirmation came, and always in contact addresses. */
  readonly e2eSecret?: Uint8Array | undefined
  /** Of the client layer: the highest of both sides. */
  readonly clientVersion: Version
  readonly status: QueueStatus
  readonly primary: boolean
  /** Made without a subscription: messages are fetched. */
  readonly onlyCreate?: boolean | undefined
  /** The queue that this one is to replace. */
  readonly replaces?: number | undefined
  readonly switching?: ReceiveSwitch | undefined
  /** The sender's key that the server is still to be told. */
  readonly toSecure?: AuthKey | undefined
  readonly link?: LinkCredentials | undefined
  /** What the server tells a notification server with. */
  readonly notifier?: NotifierRecord | undefined
  /** Server time of the last message, seconds. */
  readonly lastMessageAt?: number | undefined
  /** Is to be deleted at the server. */
  readonly deleting?: { readonly errors: number } | undefined
}

/** A queue that this side sends to. */
export interface SendQueueRecord {
  readonly key: number
  readonly server: Server
  readonly senderId: EntityId
  readonly mode?: QueueMode | undefined
  readonly senderKeys: KeyPair<"ed25519">
  readonly e2eKeys: KeyPair<"x25519">
  /** The recipient's public key. */
  readonly recipientKey: X25519Key
  readonly clientVersion: Version
  readonly status: QueueStatus
  readonly primary: boolean
  readonly replaces?: number | undefined
  readonly switching?: SendSwitch | undefined
}

/** State of the ratchet between both sides (ratchet.md §10). */
export type SyncState =
  | "ok"
  /** Something could not be decrypted: a new ratchet may help. Messages are sent as before. */
  | "allowed"
  /** Only a new ratchet helps. From here on, messages are not sent until it is there. */
  | "required"
  /** Own keys for a new ratchet are on their way. */
  | "started"
  /** The new ratchet is there, and nothing was received with it yet. */
  | "agreed"

/** A confirmation that the user has not decided about, or that was accepted. */
export interface ConfirmationRecord {
  readonly id: Uint8Array
  readonly queue: number
  readonly info: Uint8Array
  readonly reply: QueueInfo
  readonly pq: boolean
  readonly version: Version
  readonly accepted?: boolean | undefined
  /** In the slow handshake: what the queue is secured with. */
  readonly senderKey?: AuthKey | undefined
  readonly e2eSecret: Uint8Array
  readonly clientVersion: Version
  /** SHA-256 of the plaintext. */
  readonly hash: Uint8Array
  /** Absent where the connection has it already. */
  readonly ratchet?: Ratchet | undefined
  readonly skipped: readonly SkippedKey[]
}

/** What is still to be done to establish a connection, once the queue that it needs exists. */
export type SetupRecord =
  /** To answer an invitation: reply queue, then confirmation. */
  | {
      readonly type: "join"
      readonly info: Uint8Array
      /** The inviter's keys. */
      readonly e2e: E2eInvitation
      readonly onlyCreate: boolean
    }
  /** To ask a contact address: own queue, then request. */
  | {
      readonly type: "request"
      readonly info: Uint8Array
      readonly address: QueueInfo
      readonly agentVersion: Version
      readonly onlyCreate: boolean
    }

/** A queue that is to be made. */
export interface PlannedQueue {
  readonly purpose: "reply" | "request" | "switch"
  readonly server: Server
  /** Servers that were tried in vain. */
  readonly tried: readonly Server[]
}

/** A duplex connection, one on its way there, or a contact address. */
export interface ConnectionRecord {
  readonly id: ConnectionId
  readonly userId: UserId
  readonly kind: "invitation" | "joined" | "contact"
  /** Agreed agent version; the own maximum before. */
  readonly version: Version
  /** PQ keys are supported and wanted: decides the padding. */
  readonly pq: boolean
  /** Number of the last message, in either direction. */
  readonly lastInternalId: number
  readonly lastSentId: number
  readonly lastSentHash: Uint8Array
  readonly lastReceivedId: bigint
  readonly lastReceivedHash: Uint8Array
  readonly nextQueue: number
  readonly receiveQueues: readonly ReceiveQueueRecord[]
  readonly sendQueues: readonly SendQueueRecord[]
  readonly ratchet?: Ratchet | undefined
  /** Of messages that have not come yet. */
  readonly skipped: readonly SkippedKey[]
  /** Keys of an invitation, until the ratchet exists. */
  readonly keys?: OwnKeys | undefined
  readonly sync: SyncState
  /** Keys that were sent for a new ratchet. */
  readonly syncKeys?: OwnKeys | undefined
  readonly confirmations: readonly ConfirmationRecord[]
  readonly setup?: SetupRecord | undefined
  readonly planned?: PlannedQueue | undefined
  /** Steps are taken only while a call waits for them, so that its caller may give up. */
  readonly attended?: boolean | undefined
  /** Of a contact address: how many requests are kept. */
  readonly requests?: number | undefined
  /** The links to it, until somebody has used them. */
  readonly links?: { readonly link: string; readonly shortLink?: string | undefined } | undefined
  /** `connected` was reported. */
  readonly connected?: boolean | undefined
  /** Peer can be sent messages without content, and they are wanted. */
  readonly noise?: boolean | undefined
  /** Messages are not to be notified one by one. */
  readonly notifications?: false | undefined
  /** The user deleted it at this time (ms); `wait` until its messages are delivered. */
  readonly deleted?: { readonly at: number; readonly wait: boolean } | undefined
}

/** What a sent record is about. */
export type SentKind = "CONFIRMATION" | "RATCHET_KEY" | AMessageTag

/** What an agent envelope is made of when it is delivered. The same each time: one key encrypts one message. */
export type SentContent =
  | {
      readonly type: "ratchet"
      readonly version: Version
      readonly key: MessageKeyMaterial
      readonly plain: Uint8Array
      readonly padded: number
      /** Present in confirmations; with the joiner's parameters. */
      readonly confirmation?: { readonly e2e?: E2eParams | undefined } | undefined
    }
  | { readonly type: "ratchet-key"; readonly version: Version; readonly e2e: E2eParams }

/** A message of this side; kept for its receipt after delivery. */
export interface SentRecord {
  readonly connectionId: ConnectionId
  /** Number in the own chain. */
  readonly sentId: number
  readonly internalId: number
  readonly kind: SentKind
  /** SHA-256 of the plaintext. */
  readonly hash: Uint8Array
  readonly notify: boolean
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Removed when it was delivered to all queues. */
  readonly content?: SentContent | undefined
  /** Queues that it is still to be delivered to. */
  readonly pending: readonly number[]
  /** A server has it. */
  readonly delivered?: boolean | undefined
  /** Noise: the user has not sent it, and is not told of it. */
  readonly silent?: boolean | undefined
  readonly receipt?: "ok" | "bad-hash" | undefined
}

/** One message for one queue, in the order of sending. */
export interface DeliveryRecord {
  readonly connectionId: ConnectionId
  readonly queue: number
  readonly sentId: number
  /** Present waits of the two schedules, ms (agent.md §10). */
  readonly fast: RetryState
  readonly slow: RetryState
  /** Not before this time, ms since the epoch. */
  readonly notBefore: number
}

/** How far a schedule has grown. */
export interface RetryState {
  readonly delay: number
  /** Milliseconds waited so far. */
  readonly elapsed: number
}

/** A message of the peer that the user has not acknowledged, or whose acknowledgement the server has not confirmed. */
export interface ReceivedRecord {
  readonly connectionId: ConnectionId
  readonly internalId: number
  readonly queue: number
  readonly serverId: MsgId
  /** Server time in seconds. */
  readonly serverTime: number
  readonly externalId: bigint
  readonly kind: "A_MSG" | "A_RCVD"
  readonly hash: Uint8Array
  readonly integrity: Integrity
  readonly pq: boolean
  readonly notify: boolean
  /** Of the message; empty for receipts. */
  readonly body: Uint8Array
  readonly receipts?:
    | readonly { readonly messageId: number; readonly sentId: number; readonly status: "ok" | "bad-hash" }[]
    | undefined
  /** When it came first, ms. */
  readonly at: number
  /** How often it was handed out. */
  readonly attempts: number
  /** The user has acknowledged. */
  readonly acked: boolean
}

/** Somebody asks a contact address for a connection: kept until it is accepted, rejected or too old. */
export interface InvitationRecord {
  readonly id: Uint8Array
  readonly userId: UserId
  readonly contactId: ConnectionId
  readonly request: string
  readonly info: Uint8Array
  readonly at: number
  /** When it is forgotten, seconds since the epoch; the time of its row among the expiries. */
  readonly expires: number
}

/** A command that was given to `Agent.later` (agent.md §17). */
export interface CommandRecord {
  readonly number: number
  readonly correlation: string
  readonly connectionId?: ConnectionId | undefined
  readonly command: { readonly type: string; readonly [field: string]: unknown }
}

/** The key that a one-time link was read with: only it can read the link again, and it has secured the queue. */
export interface ReadLinkRecord {
  readonly server: Server
  readonly linkId: EntityId
  readonly linkKey: Uint8Array
  readonly senderKeys: KeyPair<"ed25519">
  /** Present once the server has answered. */
  readonly senderId?: EntityId | undefined
}

/** Something that goes away at a time. */
export interface ExpiryRecord {
  /** Seconds since the epoch. */
  readonly at: number
  readonly connectionId: ConnectionId
  readonly of:
    | { readonly table: "hashes"; readonly hash: Uint8Array }
    | { readonly table: "invitations"; readonly id: Uint8Array }
    | { readonly table: "sent"; readonly sentId: number }
}

/** SHA-256 of an encrypted message, or of ratchet keys, that was processed. */
export interface HashRecord {
  readonly connectionId: ConnectionId
  readonly hash: Uint8Array
}
