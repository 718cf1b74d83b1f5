import type { Server } from "@sluice/encoding/server-address"
import type { AgentError } from "./errors.ts"
import type { Integrity } from "./protocol/integrity.ts"
import type { ConnectionId, SyncState, UserId } from "./store/records.ts"

/** What is known of a received message besides its body. */
export interface MessageMeta {
  /** Number in this connection, of both directions together; stays the same when the message is handed out again. */
  readonly messageId: number
  readonly integrity: Integrity
  /** When the relay got it, seconds since the epoch. */
  readonly serverTime: number
  /** The peer's own number of it. */
  readonly externalId: bigint
  /** Post-quantum keys protect it. */
  readonly pq: boolean
}

/** Whether a receipt's hash is that of the message. */
export type ReceiptStatus = "ok" | "bad-hash"

/** How far a queue rotation is. */
export type SwitchPhase = "started" | "confirmed" | "secured" | "completed"

/** Everything that an agent tells (agent.md §14). */
export type AgentEvent =
  /** Somebody used the invitation; `allowConnection` connects. */
  | {
      readonly type: "confirmation"
      readonly connectionId: ConnectionId
      /** 12 bytes. */
      readonly confirmationId: Uint8Array
      /** What the one who asks says about itself. */
      readonly info: Uint8Array
      readonly pq: boolean
      /** Where the peer receives. */
      readonly servers: readonly Server[]
    }
  /** Somebody asks a contact address; `acceptRequest` connects, `rejectRequest` forgets it. */
  | {
      readonly type: "request"
      /** Of the address. */
      readonly connectionId: ConnectionId
      /** 12 bytes. */
      readonly invitationId: Uint8Array
      readonly info: Uint8Array
      readonly pq: boolean
      readonly servers: readonly Server[]
    }
  /** What the inviting side says about itself. */
  | { readonly type: "info"; readonly connectionId: ConnectionId; readonly info: Uint8Array; readonly pq: boolean }
  /** Both sides can send; once for each connection. */
  | { readonly type: "connected"; readonly connectionId: ConnectionId; readonly pq: boolean }
  /** To be acknowledged with `acknowledge`; the next one comes after that. */
  | {
      readonly type: "message"
      readonly connectionId: ConnectionId
      readonly meta: MessageMeta
      /** The peer wanted a notification of it. */
      readonly notify: boolean
      readonly body: Uint8Array
    }
  /** A relay has the message. */
  | {
      readonly type: "sent"
      readonly connectionId: ConnectionId
      readonly messageId: number
      readonly proxy?: Server | undefined
    }
  /** It is not delivered yet, and tried again. */
  | {
      readonly type: "message-delayed"
      readonly connectionId: ConnectionId
      readonly messageId: number
      readonly error: AgentError
    }
  /** They will not be delivered. */
  | {
      readonly type: "messages-failed"
      readonly connectionId: ConnectionId
      readonly messageIds: readonly number[]
      readonly error: AgentError
    }
  /** The peer has acknowledged messages. To be acknowledged itself, by the id of its meta. */
  | {
      readonly type: "receipt"
      readonly connectionId: ConnectionId
      readonly meta: MessageMeta
      readonly receipts: readonly { readonly messageId: number; readonly status: ReceiptStatus }[]
    }
  /** The peer's full queue has room again. */
  | { readonly type: "quota-cleared"; readonly connectionId: ConnectionId }
  /** A queue is being replaced, the own one ("receive") or the peer's ("send"). */
  | {
      readonly type: "switch"
      readonly connectionId: ConnectionId
      readonly direction: "receive" | "send"
      readonly phase: SwitchPhase
    }
  /** Messages can not be decrypted, or can again; `synchronizeRatchet` makes a new ratchet. */
  | {
      readonly type: "ratchet-sync"
      readonly connectionId: ConnectionId
      readonly state: SyncState
      readonly error?: AgentError | undefined
    }
  /** Another client receives from this connection's queue now. */
  | { readonly type: "ended"; readonly connectionId: ConnectionId }
  /** The relay has no such queue any more. */
  | { readonly type: "queue-gone"; readonly connectionId: ConnectionId }
  /** A relay is away, and these connections with it; once for each relay. */
  | { readonly type: "down"; readonly server: Server; readonly connectionIds: readonly ConnectionId[] }
  /** These connections receive again. */
  | { readonly type: "up"; readonly server: Server; readonly connectionIds: readonly ConnectionId[] }
  /** Queues of deleted connections are gone at their relays; with an error, a relay did not say so and is asked no more. */
  | {
      readonly type: "queues-deleted"
      readonly queues: readonly {
        readonly connectionId: ConnectionId
        readonly server: Server
        readonly error?: AgentError | undefined
      }[]
    }
  /** Nothing is left of these connections, here or at relays. */
  | { readonly type: "connections-deleted"; readonly connectionIds: readonly ConnectionId[] }
  /** Nothing is left of the user's connections either. */
  | { readonly type: "user-deleted"; readonly userId: UserId }
  /** A command that was given to `later` has ended. */
  | {
      readonly type: "command-done"
      readonly correlation: string
      readonly connectionId?: ConnectionId | undefined
      readonly result: CommandResult
    }
  /** Something went wrong that no call waits for: with a connection, or without one with the agent itself. */
  | { readonly type: "error"; readonly connectionId?: ConnectionId | undefined; readonly error: AgentError }
  /** All work has stopped after `suspend`, or the time for that is over. */
  | { readonly type: "suspended" }
  /** The last event. */
  | { readonly type: "closed"; readonly error: AgentError }

/** What came of a command that was given to `later`. */
export type CommandResult =
  | { readonly type: "created"; readonly link: string; readonly shortLink?: string | undefined }
  | { readonly type: "joined"; readonly secured: boolean }
  | { readonly type: "link"; readonly shortLink: string }
  | {
      readonly type: "link-data"
      readonly kind: "invitation" | "contact"
      readonly linkData: Uint8Array
      readonly link: string
    }
  | { readonly type: "failed"; readonly error: AgentError }
