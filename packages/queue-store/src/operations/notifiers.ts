import { equalBytes } from "@sluice/encoding/bytes"
import { copyOf } from "../codec/copy.ts"
import { isId } from "../codec/keys.ts"
import type { Outcome } from "../queue-store.ts"
import type { Notifier, QueueRecord } from "../records.ts"
import { addAssociation, removeAssociation } from "./associations.ts"
import { type Context, copyById, findQueue, findUnblocked, refuse } from "./context.ts"
import { dropNotifications } from "./notification-items.ts"
import { replaceQueue } from "./writing.ts"

/** Notifiers of queues: NKEY, NDEL, and the service that NSUB ties them to (smp.md §2.5, §4.7). */

export function setNotifier(
  c: Context,
  recipientId: Uint8Array,
  notifier: Notifier,
): Outcome<{ readonly queue: QueueRecord; readonly previous?: Notifier }> {
  const { tables } = c
  const found = findUnblocked(tables, recipientId)
  if (!found.ok) return found
  if (!isId(notifier.notifierId) || tables.notifiers.has(notifier.notifierId)) return refuse("id-taken")
  const previous = found.queue.notifier
  const queue: QueueRecord = { ...found.queue, notifier: ownNotifier(notifier) }
  replaceQueue(tables, queue)
  if (previous !== undefined) removeNotifier(c, previous)
  tables.notifiers.put(notifier.notifierId, recipientId)
  tables.counters.notifiers++
  if (notifier.serviceId !== undefined) addAssociation(c, notifier.serviceId, "notifications", notifier.notifierId)
  return { ok: true, queue, ...(previous !== undefined && { previous }) }
}

export function deleteNotifier(
  c: Context,
  recipientId: Uint8Array,
): Outcome<{ readonly queue: QueueRecord; readonly previous?: Notifier }> {
  const found = findUnblocked(c.tables, recipientId)
  if (!found.ok || found.queue.notifier === undefined) return found
  const { notifier: previous, ...queue } = found.queue
  replaceQueue(c.tables, queue)
  removeNotifier(c, previous)
  return { ok: true, queue, previous }
}

export function associateNotifier(
  c: Context,
  notifierId: Uint8Array,
  serviceId: Uint8Array | undefined,
): Outcome<{ readonly queue: QueueRecord; readonly previousServiceId?: Uint8Array; readonly changed: boolean }> {
  const recipientId = copyById(c.tables.notifiers, notifierId)
  const before = recipientId === undefined ? undefined : findQueue(c.tables, recipientId)
  if (before?.notifier === undefined) return refuse("no-queue")
  const { serviceId: previousServiceId, ...rest } = before.notifier
  const previous = previousServiceId !== undefined && { previousServiceId }
  if (sameService(previousServiceId, serviceId)) return { ok: true, queue: before, ...previous, changed: false }
  const notifier: Notifier = serviceId === undefined ? rest : { ...rest, serviceId: copyOf(serviceId) }
  const queue: QueueRecord = { ...before, notifier }
  replaceQueue(c.tables, queue)
  if (previousServiceId !== undefined) removeAssociation(c, previousServiceId, "notifications", notifierId)
  if (serviceId !== undefined) addAssociation(c, serviceId, "notifications", notifierId)
  return { ok: true, queue, ...previous, changed: true }
}

/** Whether both are the same service, or both none. */
export function sameService(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return equalBytes(a, b)
}

function removeNotifier(c: Context, notifier: Notifier): void {
  c.tables.notifiers.remove(notifier.notifierId)
  c.tables.counters.notifiers--
  dropNotifications(c.tables, notifier.notifierId)
  if (notifier.serviceId !== undefined) removeAssociation(c, notifier.serviceId, "notifications", notifier.notifierId)
}

/** A copy that shares nothing with the caller's buffers. */
function ownNotifier(notifier: Notifier): Notifier {
  const { notifierId, key, dhSecret, serviceId } = notifier
  const own: Notifier = { notifierId: copyOf(notifierId), key: copyOf(key), dhSecret: copyOf(dhSecret) }
  return serviceId === undefined ? own : { ...own, serviceId: copyOf(serviceId) }
}
