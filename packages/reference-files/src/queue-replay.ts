import { equalBytes } from "@sluice/encoding/bytes"
import type { LoggedQueue, QueueChange } from "./store-log-record.ts"

/** The queue after a change, or why the change does not fit it; then the queue stays as it was. */
export type Replayed = { readonly queue: LoggedQueue } | { readonly misfit: string }

/**
 * Applies a line of the log to the queue that the earlier lines made, under the conditions that the reference checks when
 * it reads its log (relay-internals.md §10). `DELETE` is the caller's.
 */
export function replay(queue: LoggedQueue, change: Exclude<QueueChange, { tag: "DELETE" }>): Replayed {
  switch (change.tag) {
    case "LINK":
      return replayLink(queue, change)
    case "LDELETE":
      return { queue: withoutLink(queue) }
    case "SECURE": {
      const { senderKey } = change
      const fits = queue.senderKey === undefined || equalBytes(queue.senderKey, senderKey)
      return fits ? { queue: { ...queue, senderKey } } : { misfit: "the queue is secured with another key" }
    }
    case "KEYS":
      return { queue: { ...queue, recipientKeys: change.recipientKeys } }
    case "NOTIFIER":
      return { queue: { ...queue, notifier: change.notifier } }
    case "NDELETE":
      return { queue: withoutNotifier(queue) }
    case "SUSPEND":
      return { queue: { ...queue, status: { tag: "off" } } }
    case "BLOCK":
      return { queue: { ...queue, status: { tag: "blocked", info: change.info } } }
    case "UNBLOCK":
      return { queue: { ...queue, status: { tag: "active" } } }
    case "TIME":
      return { queue: { ...queue, updatedAt: change.updatedAt } }
    case "QUEUE_SERVICE":
      return replayAssociation(queue, change)
    default:
      return change satisfies never
  }
}

/** The queue without link ID and data. */
export function withoutLink(queue: LoggedQueue): LoggedQueue {
  const { linkId: _id, linkData: _data, ...rest } = queue
  return rest
}

/** The queue without its notifier. */
export function withoutNotifier(queue: LoggedQueue): LoggedQueue {
  const { notifier: _, ...rest } = queue
  return rest
}

/** The queue without, or with another, service for messages. */
export function withMessageService(queue: LoggedQueue, serviceId: Uint8Array | undefined): LoggedQueue {
  const { rcvServiceId: _, ...rest } = queue
  return serviceId === undefined ? rest : { ...rest, rcvServiceId: serviceId }
}

/** The queue without, or with another, service for notifications; without a notifier it is the same. */
export function withNotifierService(queue: LoggedQueue, serviceId: Uint8Array | undefined): LoggedQueue {
  if (queue.notifier === undefined) return queue
  const { serviceId: _, ...notifier } = queue.notifier
  return { ...queue, notifier: serviceId === undefined ? notifier : { ...notifier, serviceId } }
}

function replayLink(queue: LoggedQueue, change: QueueChange & { tag: "LINK" }): Replayed {
  const { linkId, linkData } = change
  if (queue.linkId !== undefined && !equalBytes(queue.linkId, linkId)) {
    return { misfit: "the queue has a link with another ID" }
  }
  if (queue.linkData !== undefined && !equalBytes(queue.linkData.fixedData, linkData.fixedData)) {
    return { misfit: "the queue has link data with another fixed part" }
  }
  return { queue: { ...queue, linkId, linkData } }
}

function replayAssociation(queue: LoggedQueue, change: QueueChange & { tag: "QUEUE_SERVICE" }): Replayed {
  const { kind, serviceId } = change
  if (kind === "messages") return { queue: withMessageService(queue, serviceId) }
  if (queue.notifier === undefined) return { misfit: "the queue has no notifier to associate with a service" }
  return { queue: withNotifierService(queue, serviceId) }
}
