import { equalBytes } from "@sluice/encoding/bytes"
import { copyOf } from "../codec/copy.ts"
import { decodeLinkData } from "../codec/small-codes.ts"
import type { Collision, Outcome, Owner } from "../queue-store.ts"
import type { BlockingInfo, LinkData, QueueRecord, QueueStatus } from "../records.ts"
import type { Table, Tables } from "../tables.ts"
import { type Context, copyById, findQueue, findUnblocked, getById, refuse } from "./context.ts"
import { findCollision, removeQueue, replaceQueue, writeQueue } from "./writing.ts"

/** Finding, creating and deleting queues, and the changes of the record that touch no index (smp.md §2). */

/** The queue that an index leads to. */
export function queueByIndex(tables: Tables, index: Table, id: Uint8Array): QueueRecord | undefined {
  const recipientId = copyById(index, id)
  return recipientId === undefined ? undefined : findQueue(tables, recipientId)
}

export function readLinkData(tables: Tables, recipientId: Uint8Array): LinkData | undefined {
  const stored = getById(tables.linkData, recipientId)
  return stored === undefined ? undefined : decodeLinkData(stored)
}

export function createQueue(
  c: Context,
  queue: QueueRecord,
  linkData: LinkData | undefined,
  subscriber: string | undefined,
): { readonly created: true; readonly owner?: Owner } | { readonly created: false; readonly collision: Collision } {
  const taken = getById(c.tables.queues, queue.recipientId) !== undefined
  const collision = taken ? "recipient" : findCollision(c.tables, queue)
  if (collision !== undefined) return { created: false, collision }
  writeQueue(c, queue, linkData)
  if (subscriber === undefined) return { created: true }
  return { created: true, owner: c.ownership.take(queue.recipientId, subscriber).owner }
}

export function deleteQueue(
  c: Context,
  recipientId: Uint8Array,
): Outcome<{ readonly queue: QueueRecord; readonly messages: number; readonly owner?: Owner }> {
  const queue = findQueue(c.tables, recipientId)
  if (queue === undefined) return refuse("no-queue")
  const messages = removeQueue(c, queue)
  const owner = c.ownership.drop(recipientId)
  return { ok: true, queue, messages, ...(owner !== undefined && { owner }) }
}

export function secure(
  c: Context,
  recipientId: Uint8Array,
  senderKey: Uint8Array,
  by: "recipient" | "sender" | "link",
): Outcome<{ readonly queue: QueueRecord; readonly linkData?: LinkData }> {
  const found = findUnblocked(c.tables, recipientId)
  if (!found.ok) return found
  const { queue } = found
  if (by !== "recipient" && queue.queueMode !== "messaging") return refuse("wrong-mode")
  const linkData = by === "link" ? readLinkData(c.tables, recipientId) : undefined
  if (by === "link" && linkData === undefined) return refuse("no-link")
  const link = linkData !== undefined && { linkData }
  if (queue.senderKey !== undefined) {
    return equalBytes(queue.senderKey, senderKey) ? { ok: true, queue, ...link } : refuse("other-key")
  }
  const secured: QueueRecord = { ...queue, senderKey: copyOf(senderKey) }
  replaceQueue(c.tables, secured)
  return { ok: true, queue: secured, ...link }
}

export function setRecipientKeys(
  c: Context,
  recipientId: Uint8Array,
  keys: readonly Uint8Array[],
): Outcome<{ readonly queue: QueueRecord }> {
  const found = findUnblocked(c.tables, recipientId)
  if (!found.ok) return found
  if (found.queue.queueMode !== "contact") return refuse("wrong-mode")
  const queue: QueueRecord = { ...found.queue, recipientKeys: keys.map(copyOf) }
  replaceQueue(c.tables, queue)
  return { ok: true, queue }
}

export function setStatus(
  c: Context,
  recipientId: Uint8Array,
  status: QueueStatus,
): Outcome<{ readonly queue: QueueRecord; readonly previous: QueueStatus; readonly owner?: Owner }> {
  const before = findQueue(c.tables, recipientId)
  if (before === undefined) return refuse("no-queue")
  const queue: QueueRecord = { ...before, status }
  if (status.tag === "blocked" || status.tag !== before.status.tag) replaceQueue(c.tables, queue)
  const owner = c.ownership.current(recipientId)
  return { ok: true, queue, previous: before.status, ...(owner !== undefined && { owner }) }
}

/** The block of a suspended queue remembers that it was. */
export function block(
  c: Context,
  recipientId: Uint8Array,
  info: BlockingInfo,
): Outcome<{ readonly queue: QueueRecord; readonly previous: QueueStatus; readonly owner?: Owner }> {
  const before = findQueue(c.tables, recipientId)
  if (before === undefined) return refuse("no-queue")
  return setStatus(c, recipientId, { tag: "blocked", info, ...(isSuspended(before.status) && { suspended: true }) })
}

export function unblock(
  c: Context,
  recipientId: Uint8Array,
): Outcome<{ readonly queue: QueueRecord; readonly previous: QueueStatus }> {
  const queue = findQueue(c.tables, recipientId)
  if (queue === undefined) return refuse("no-queue")
  if (queue.status.tag !== "blocked") return { ok: true, queue, previous: queue.status }
  return setStatus(c, recipientId, { tag: isSuspended(queue.status) ? "off" : "active" })
}

function isSuspended(status: QueueStatus): boolean {
  return status.tag === "off" || (status.tag === "blocked" && status.suspended === true)
}

export function touch(c: Context, recipientIds: readonly Uint8Array[], day: number): void {
  for (const recipientId of recipientIds) {
    const queue = findQueue(c.tables, recipientId)
    if (queue !== undefined && queue.updatedAt !== day) replaceQueue(c.tables, { ...queue, updatedAt: day })
  }
}
