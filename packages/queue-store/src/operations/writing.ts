import { equalBytes } from "@sluice/encoding/bytes"
import { isId, isLinkId } from "../codec/keys.ts"
import { encodeQueue } from "../codec/queue-code.ts"
import { encodeLinkData } from "../codec/small-codes.ts"
import type { Collision } from "../queue-store.ts"
import type { LinkData, QueueRecord } from "../records.ts"
import type { Tables } from "../tables.ts"
import { addAssociation, removeAssociation } from "./associations.ts"
import type { Context } from "./context.ts"
import { dropMessages } from "./message-items.ts"
import { dropNotifications } from "./notification-items.ts"

/** Writing and removing whole queues, for the operations that have checked that they may. */

/** The first of the queue's IDs that is in use by another queue, or that cannot be stored. */
export function findCollision(tables: Tables, queue: QueueRecord): Collision | undefined {
  const { recipientId, senderId, notifier, linkId } = queue
  if (!isId(recipientId)) return "recipient"
  const taken = (owner: Uint8Array | undefined) => owner !== undefined && !equalBytes(owner, recipientId)
  if (!isId(senderId) || taken(tables.senders.get(senderId))) return "sender"
  if (notifier !== undefined) {
    if (!isId(notifier.notifierId) || taken(tables.notifiers.get(notifier.notifierId))) return "notifier"
  }
  if (linkId !== undefined) {
    if (!isLinkId(linkId) || taken(tables.links.get(linkId))) return "link"
  }
  return undefined
}

/** Writes a queue that is not there, with its indexes, associations and link data. */
export function writeQueue(c: Context, queue: QueueRecord, linkData: LinkData | undefined): void {
  const { tables } = c
  const { recipientId, notifier, linkId, rcvServiceId } = queue
  // Encoding comes first: what it refuses must not leave half a queue.
  const stored = encodeQueue(queue)
  const storedLink = linkId !== undefined && linkData !== undefined ? encodeLinkData(linkData) : undefined
  tables.queues.put(recipientId, stored)
  tables.senders.put(queue.senderId, recipientId)
  if (notifier !== undefined) {
    tables.notifiers.put(notifier.notifierId, recipientId)
    tables.counters.notifiers++
    if (notifier.serviceId !== undefined) addAssociation(c, notifier.serviceId, "notifications", notifier.notifierId)
  }
  if (linkId !== undefined) tables.links.put(linkId, recipientId)
  if (storedLink !== undefined) tables.linkData.put(recipientId, storedLink)
  if (rcvServiceId !== undefined) addAssociation(c, rcvServiceId, "messages", recipientId)
  tables.counters.queues++
}

/** Removes a queue with all that belongs to it. Returns how many messages it held, without a marker. */
export function removeQueue(c: Context, queue: QueueRecord): number {
  const { tables } = c
  const { recipientId, notifier, rcvServiceId } = queue
  const messages = dropMessages(tables, recipientId)
  tables.queues.remove(recipientId)
  tables.senders.remove(queue.senderId)
  if (notifier !== undefined) {
    tables.notifiers.remove(notifier.notifierId)
    tables.counters.notifiers--
    dropNotifications(tables, notifier.notifierId)
    if (notifier.serviceId !== undefined) removeAssociation(c, notifier.serviceId, "notifications", notifier.notifierId)
  }
  removeLink(tables, queue)
  if (rcvServiceId !== undefined) removeAssociation(c, rcvServiceId, "messages", recipientId)
  tables.counters.queues--
  return messages
}

/** Writes a changed record; the indexes are the caller's. */
export function replaceQueue(tables: Tables, queue: QueueRecord): void {
  tables.queues.put(queue.recipientId, encodeQueue(queue))
}

/** Removes link ID and data from the tables, not from the record. */
export function removeLink(tables: Tables, queue: QueueRecord): void {
  if (queue.linkId === undefined) return
  tables.links.remove(queue.linkId)
  tables.linkData.remove(queue.recipientId)
}

/** The record without its link. */
export function withoutLink(queue: QueueRecord): QueueRecord {
  const { linkId: _, ...rest } = queue
  return rest
}
