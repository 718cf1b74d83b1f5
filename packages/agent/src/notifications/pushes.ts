import { equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { decodeMessageList, type MessageEntry } from "@sluice/ntf-protocol/message-list"
import { openPush, type SealedPush } from "@sluice/ntf-protocol/push-content"
import { decryptNotification } from "@sluice/smp-client/delivered"
import type { NotificationMeta } from "@sluice/smp-protocol/notification-meta"
import type { AgentBase } from "../core/base.ts"
import { peerError } from "../errors.ts"
import { serverKey } from "../network/session-key.ts"
import type { ConnectionId, ConnectionRecord, ReceiveQueueRecord } from "../store/records.ts"
import type { SubscriptionRows } from "./subscription-rows.ts"
import { activeToken, type Tokens } from "./tokens.ts"

/** A message that a push tells of. */
export interface NotifiedMessage {
  readonly connectionId: ConnectionId
  /** Number of the queue in the connection. */
  readonly queue: number
  /** When the notification server heard of it, seconds since the epoch. */
  readonly time: number
  /** Which message it is, and when the relay got it; absent if the relay's part can not be read. */
  readonly meta?: NotificationMeta | undefined
}

/** What {@link readPush} needs. */
export interface PushParts extends Pick<AgentBase, "store" | "crypto"> {
  readonly rows: SubscriptionRows
  readonly tokens: Tokens
}

/**
 * The messages that a push is about (notifications-client.md §5): the last one always, earlier ones only if this agent has
 * not seen them. Rejects with `AgentError`: PROHIBITED without an active registration, `A_CRYPTO` if the push is not for
 * this one, `A_MESSAGE` if it can not be read or names no queue of this agent.
 */
export async function readPush(parts: PushParts, push: SealedPush): Promise<NotifiedMessage[]> {
  const { crypto, tokens } = parts
  const { secret } = activeToken(tokens.current)
  const plain = openPush({ crypto, secret }, push)
  if (plain === undefined) throw peerError({ type: "A_CRYPTO", error: { type: "DECRYPT_CB" } })
  const entries = decoded(plain)
  const kept: NotifiedMessage[] = []
  for (const [n, entry] of entries.entries()) {
    const found = await find(parts, entry)
    if (found === undefined) continue
    const { record, queue, meta } = found
    const news = meta !== undefined && meta.timestamp > (queue.lastMessageAt ?? 0)
    const last = n === entries.length - 1
    if (last || news) kept.push({ connectionId: record.id, queue: queue.key, time: entry.time, meta })
  }
  if (kept.length === 0) throw peerError({ type: "A_MESSAGE" })
  return kept
}

function decoded(plain: Uint8Array): MessageEntry[] {
  try {
    return decodeMessageList(plain)
  } catch (error) {
    if (error instanceof DecodeError) throw peerError({ type: "A_MESSAGE" })
    throw error
  }
}

interface Found {
  readonly record: ConnectionRecord
  readonly queue: ReceiveQueueRecord
  readonly meta: NotificationMeta | undefined
}

async function find({ store, crypto, rows }: PushParts, entry: MessageEntry): Promise<Found | undefined> {
  const { server, notifierId } = entry.queue
  const row = rows.find(server, notifierId)
  const record = row && (await store.get("connections", [row.connectionId]))
  if (row === undefined || record === undefined || record.deleted !== undefined) return undefined
  const queue = record.receiveQueues.find((one) => {
    const id = one.notifier?.notifierId
    return id !== undefined && equalBytes(id, notifierId) && serverKey(one.server) === serverKey(row.relay)
  })
  if (queue?.notifier === undefined) return undefined
  return { record, queue, meta: decryptNotification(crypto, queue.notifier, entry) }
}
