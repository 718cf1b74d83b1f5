import type { Server } from "@sluice/encoding/server-address"
import type { Version } from "@sluice/encoding/version"
import type { Subscriptions } from "../network/subscriptions.ts"
import type { ConnectionRecord, QueueStatus, SyncState, UserId } from "../store/records.ts"

/** A queue as its user may see it. */
export interface QueueState {
  readonly server: Server
  readonly status: QueueStatus
  /** It is being replaced by another one. */
  readonly switching: boolean
}

/** A connection as its user may see it. */
export interface ConnectionInfo {
  readonly userId: UserId
  /** `contact` is an address, `pending` can not send yet, `duplex` can. */
  readonly kind: "contact" | "pending" | "duplex"
  /** Agreed agent version. */
  readonly version: Version
  /** Post-quantum keys are supported and wanted. */
  readonly pq: boolean
  readonly sync: SyncState
  readonly receiving: readonly (QueueState & { readonly subscribed: boolean })[]
  readonly sending: readonly QueueState[]
}

/** What a user may see of a connection. */
export function connectionInfo(record: ConnectionRecord, subscriptions: Subscriptions): ConnectionInfo {
  const { userId, kind, version, pq, sync, receiveQueues, sendQueues } = record
  return {
    userId,
    kind: kind === "contact" ? kind : sendQueues.length > 0 ? "duplex" : "pending",
    ...{ version, pq, sync },
    receiving: receiveQueues.map((queue) => ({ ...stateOf(queue), subscribed: subscriptions.isActive(queue) })),
    sending: sendQueues.map(stateOf),
  }
}

function stateOf(queue: { server: Server; status: QueueStatus; switching?: unknown }): QueueState {
  return { server: queue.server, status: queue.status, switching: queue.switching !== undefined }
}
