import { equalBytes } from "@sluice/encoding/bytes"
import { copyOf } from "../codec/copy.ts"
import { isLinkId } from "../codec/keys.ts"
import { QueueView } from "../codec/queue-code.ts"
import { encodeLinkData } from "../codec/small-codes.ts"
import type { Outcome, Step } from "../queue-store.ts"
import type { LinkData, QueueRecord } from "../records.ts"
import type { Tables } from "../tables.ts"
import { type Context, findQueue, findUnblocked, refuse } from "./context.ts"
import { readLinkData } from "./queues.ts"
import { walk } from "./walk.ts"
import { removeLink, replaceQueue, withoutLink } from "./writing.ts"

/** Link data: LSET, LDEL, and what ends it (smp.md §2.3). */

export function setLink(
  c: Context,
  recipientId: Uint8Array,
  linkId: Uint8Array,
  data: LinkData,
): Outcome<{ readonly queue: QueueRecord }> {
  const { tables } = c
  const found = findUnblocked(tables, recipientId)
  if (!found.ok) return found
  const { queue } = found
  if (queue.queueMode !== "contact" && queue.senderKey !== undefined) return refuse("secured")
  if (queue.linkId !== undefined) {
    if (!equalBytes(queue.linkId, linkId)) return refuse("link-differs")
    const before = readLinkData(tables, recipientId)
    if (before !== undefined && !equalBytes(before.fixedData, data.fixedData)) return refuse("link-differs")
    tables.linkData.put(recipientId, encodeLinkData(data))
    return { ok: true, queue }
  }
  if (!isLinkId(linkId) || tables.links.has(linkId)) return refuse("id-taken")
  const linked: QueueRecord = { ...queue, linkId: copyOf(linkId) }
  const stored = encodeLinkData(data)
  replaceQueue(tables, linked)
  tables.links.put(linkId, recipientId)
  tables.linkData.put(recipientId, stored)
  return { ok: true, queue: linked }
}

export function deleteLink(c: Context, recipientId: Uint8Array): Outcome<{ readonly queue: QueueRecord }> {
  const found = findUnblocked(c.tables, recipientId)
  if (!found.ok || found.queue.linkId === undefined) return found
  return { ok: true, queue: dropLink(c.tables, found.queue) }
}

/** Removes the link of a queue. Returns the record without it. */
export function dropLink(tables: Tables, queue: QueueRecord): QueueRecord {
  const unlinked = withoutLink(queue)
  replaceQueue(tables, unlinked)
  removeLink(tables, queue)
  return unlinked
}

export function expireLinks(
  c: Context,
  options: { readonly before: number; readonly limit: number } & Step,
): Step & { readonly expired: number } {
  const { tables } = c
  const { keys, step } = walk(tables.linkData, options)
  const expired = keys.map((recipientId) => unusedLink(tables, recipientId, options.before)).filter(isPresent)
  for (const queue of expired) dropLink(tables, queue)
  return { expired: expired.length, ...step }
}

/** The queue, if its link is a one-time link that nobody used since before the given time. */
function unusedLink(tables: Tables, recipientId: Uint8Array, before: number): QueueRecord | undefined {
  const stored = tables.queues.get(recipientId)
  if (stored === undefined) return undefined
  const view = new QueueView(stored)
  if (view.mode !== "messaging" || view.secured || view.createdBy >= before) return undefined
  return findQueue(tables, recipientId)
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined
}
