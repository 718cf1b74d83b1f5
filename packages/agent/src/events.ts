import type { Server } from "@sluice/encoding/server-address"
import type { AgentError } from "./errors.ts"
import type { Integrity } from "./protocol/integrity.ts"
import type { ConnectionId, SyncState } from "./store/records.ts"

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
  /** Somebody used the invitation; `allow` connects. */
  | {
      readonly type: "confirmation"
      readonly connectionId: ConnectionId
      readonly confirmationId: Uint8Array
      readonly info: Uint8Array
      readonly pq: boolean
      /** Where the peer receives. */
      readonly servers: readonly Server[]
    }
  /** Somebody asks a contact address; `accept` or `reject`. */
  | {
      readonly type: "request"
      readonly connectionId: ConnectionId
      readonly invitationId: Uint8Array
      readonly info: Uint8Array
      readonly pq: boolean
      readonly servers: readonly Server[]
    }
  /** What the inviting side says about itself. */
  | { readonly type: "info"; readonly connectionId: ConnectionId; readonly info: Uint8Array; readonly pq: boolean }
  /** Both sides can send; once for each connection. */
  | { readonly type: "connected"; readonly connectionId: ConnectionId; readonly pq: boolean }
  /** To be acknowledged with `ack`; the next one comes after that. */
  | {
      readonly type: "message"
      readonly connectionId: ConnectionId
      readonly meta: MessageMeta
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
  | { readonly type: "up"; readonly server: Server; readonly connectionIds: readonly ConnectionId[] }
  | {
      readonly type: "queues-deleted"
      readonly queues: readonly {
        readonly connectionId: ConnectionId
        readonly server: Server
        readonly error?: AgentError | undefined
      }[]
    }
  | { readonly type: "connections-deleted"; readonly connectionIds: readonly ConnectionId[] }
  | { readonly type: "user-deleted"; readonly userId: number }
  /** An asynchronous command has ended. */
  | {
      readonly type: "command-done"
      readonly correlation: string
      readonly connectionId?: ConnectionId | undefined
      readonly result: CommandResult
    }
  | { readonly type: "error"; readonly connectionId?: ConnectionId | undefined; readonly error: AgentError }
  /** All work has stopped after `suspend`. */
  | { readonly type: "suspended" }
  /** The last event. */
  | { readonly type: "closed"; readonly error: AgentError }

/** What an asynchronous command gave. */
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
