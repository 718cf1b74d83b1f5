import { equalBytes } from "@sluice/encoding/bytes"
import { copyOf } from "../codec/copy.ts"
import { MessageList } from "../codec/message-list.ts"
import { QueueView } from "../codec/queue-code.ts"
import type { AcknowledgeResult, EnqueueOptions, EnqueueResult, Owner, Step } from "../queue-store.ts"
import type { NewMessage, StoredMessage } from "../records.ts"
import type { Tables } from "../tables.ts"
import { type Context, findQueue, getById } from "./context.ts"
import { dropLink } from "./links.ts"
import { appendMessage, countExpired, dropItems, headOf, messageOf, readList, writeList } from "./message-items.ts"
import { appendNotification } from "./notification-items.ts"
import { walk } from "./walk.ts"

/** Sending, reading and acknowledging messages, and their expiry (smp.md §2.6, §4, §5). */

export function enqueue(
  c: Context,
  recipientId: Uint8Array,
  message: NewMessage,
  options: EnqueueOptions,
): EnqueueResult {
  const { tables } = c
  const stored = getById(tables.queues, recipientId)
  if (stored === undefined) return { result: "no-queue" }
  const view = new QueueView(stored)
  if (view.off) return { result: "off" }
  if (view.blocked) return blockedResult(tables, recipientId)
  const spendLink = view.hasLink && view.securedMessaging
  // The view ends with the next use of a table: take out of it what is needed below.
  const { rcvServiceId } = view
  const { notification } = options
  const notified =
    notification !== undefined && sameId(notification.notifierId, view.notifierId) ? notification : undefined
  const list = readList(tables, recipientId)

  if (spendLink) spendOneTimeLink(tables, recipientId)
  const due = options.expireBefore === undefined ? 0 : countExpired(list, options.expireBefore)
  const expired = due === 0 ? 0 : dropItems(tables, list, due)
  const wasEmpty = list.length === 0
  if (!wasEmpty && !list.canWrite) {
    if (expired > 0) writeList(tables, recipientId, list)
    return { result: "quota", markerStored: false, expired }
  }
  list.canWrite = true
  const full = list.length >= options.quota
  const { id, timestamp } = message
  appendMessage(tables, list, full ? { kind: "quota", id, timestamp } : message)
  writeList(tables, recipientId, list)
  if (full) return { result: "quota", markerStored: true, expired }
  if (notified !== undefined) {
    const { notifierId, nonce, encryptedMetadata } = notified
    appendNotification(tables, notifierId, { timestamp, nonce, encryptedMetadata })
  }
  const owner = c.ownership.current(recipientId)
  return {
    result: "stored",
    wasEmpty,
    ...(owner !== undefined && { owner }),
    ...(rcvServiceId !== undefined && { rcvServiceId }),
    notified: notified !== undefined,
    expired,
  }
}

export function acknowledge(
  c: Context,
  recipientId: Uint8Array,
  messageId: Uint8Array,
  owner: Owner | undefined,
): AcknowledgeResult {
  const { tables } = c
  if (owner !== undefined && !c.ownership.holds(recipientId, owner)) {
    return { result: hasQueue(tables, recipientId) ? "not-owner" : "no-queue" }
  }
  const listed = getById(tables.messages, recipientId)
  // A queue with messages exists; only without any that has to be looked up.
  if (listed === undefined) return { result: hasQueue(tables, recipientId) ? "acknowledged" : "no-queue" }
  const list = new MessageList(listed)
  const head = list.at(0)
  if (head === undefined || !equalBytes(head.id, messageId)) {
    const next = headOf(tables, list)
    return { result: "acknowledged", ...(next !== undefined && { next }) }
  }
  // The next message is read before anything is written, so that a damaged entry changes nothing.
  const following = list.at(1)
  const next = following === undefined ? undefined : messageOf(tables, following)
  const { kind, timestamp, notify } = head
  dropItems(tables, list, 1)
  writeList(tables, recipientId, list)
  return { result: "acknowledged", removed: { kind, timestamp, notify }, ...(next !== undefined && { next }) }
}

export function peek(tables: Tables, recipientId: Uint8Array): StoredMessage | undefined {
  const stored = getById(tables.messages, recipientId)
  return stored === undefined ? undefined : headOf(tables, new MessageList(stored))
}

export function queueInfo(
  tables: Tables,
  recipientId: Uint8Array,
): {
  readonly size: number
  readonly head?: { readonly id: Uint8Array; readonly timestamp: number; readonly kind: StoredMessage["kind"] }
} {
  const list = new MessageList(getById(tables.messages, recipientId))
  const head = list.at(0)
  if (head === undefined) return { size: 0 }
  return { size: list.length, head: { id: copyOf(head.id), timestamp: head.timestamp, kind: head.kind } }
}

export function allMessages(tables: Tables, recipientId: Uint8Array): StoredMessage[] {
  const list = new MessageList(getById(tables.messages, recipientId))
  const messages: StoredMessage[] = []
  for (let i = 0; i < list.length; i++) {
    const item = list.at(i)
    if (item !== undefined) messages.push(messageOf(tables, item))
  }
  return messages
}

export function expireMessages(
  c: Context,
  options: { readonly before: number; readonly limit: number } & Step,
): Step & { readonly expired: number } {
  const { tables } = c
  const { keys, step } = walk(tables.messages, options)
  let expired = 0
  for (const recipientId of keys) {
    const list = readList(tables, recipientId)
    const due = countExpired(list, options.before)
    if (due === 0) continue
    expired += dropItems(tables, list, due)
    writeList(tables, recipientId, list)
  }
  return { expired, ...step }
}

function hasQueue(tables: Tables, recipientId: Uint8Array): boolean {
  return getById(tables.queues, recipientId) !== undefined
}

function blockedResult(tables: Tables, recipientId: Uint8Array): EnqueueResult {
  const status = findQueue(tables, recipientId)?.status
  return status?.tag === "blocked" ? { result: "blocked", info: status.info } : { result: "no-queue" }
}

/** A one-time invitation is used up with the first message to the secured queue (smp.md §2.3). */
function spendOneTimeLink(tables: Tables, recipientId: Uint8Array): void {
  const queue = findQueue(tables, recipientId)
  if (queue !== undefined) dropLink(tables, queue)
}

function sameId(a: Uint8Array, b: Uint8Array | undefined): boolean {
  return b !== undefined && equalBytes(a, b)
}
