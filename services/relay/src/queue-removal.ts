import { idKey } from "@sluice/encoding/bytes"
import type { Owner } from "@sluice/queue-store/queue-store"
import type { QueueRecord } from "@sluice/queue-store/records"
import type { Client } from "./client.ts"
import type { RelayContext } from "./context.ts"
import type { Statistics } from "./statistics.ts"

/** Counts a deletion: by whether the queue had been secured, too (relay-internals.md §12). */
export function countDeletion(statistics: Statistics, { senderKey }: QueueRecord): void {
  statistics.qDeletedAll++
  if (senderKey === undefined) statistics.qDeletedNew++
  else statistics.qDeletedSecured++
}

/** Ends what the relay holds for a queue that was deleted: subscriptions of others hear DELD (smp.md §2.5). */
export function queueRemoved(
  relay: RelayContext,
  { queue, owner }: { readonly queue: QueueRecord; readonly owner?: Owner | undefined },
  by: Client | undefined,
): void {
  const { recipientId, rcvServiceId, notifier } = queue
  relay.delivery.deleted(recipientId, by)
  if (owner !== undefined && owner.node !== relay.node && rcvServiceId === undefined) {
    relay.neighbours.deleted(recipientId, owner)
  }
  if (rcvServiceId !== undefined) {
    const receiver = relay.services.remove("messages", rcvServiceId, recipientId)
    if (receiver === undefined) relay.neighbours.leftService("messages", rcvServiceId, recipientId, true)
    else if (receiver !== by) {
      relay.delivery.dropQueue(receiver, recipientId)
      relay.events.add(receiver, "messages", idKey(recipientId), recipientId, { tag: "DELD" })
    }
  }
  if (notifier !== undefined) notifierRemoved(relay, notifier, by)
}

/** Ends the subscription to a notifier that is gone; its subscriber on another connection hears DELD. */
export function notifierRemoved(
  relay: RelayContext,
  { notifierId, serviceId }: NonNullable<QueueRecord["notifier"]>,
  by: Client | undefined,
): void {
  const subscriber =
    serviceId === undefined
      ? relay.notifications.remove(notifierId)
      : relay.services.remove("notifications", serviceId, notifierId)
  if (subscriber === undefined) {
    if (serviceId === undefined) relay.neighbours.notifierDeleted(notifierId)
    else relay.neighbours.leftService("notifications", serviceId, notifierId, true)
    return
  }
  if (subscriber === by) return
  relay.events.add(subscriber, "notifications", idKey(notifierId), notifierId, { tag: "DELD" })
}
