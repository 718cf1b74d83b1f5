import { equalBytes } from "@sluice/encoding/bytes"
import type { BlockingInfo, QueueStatus } from "@sluice/queue-store/records"
import { withMessageService, withNotifierService, withoutLink, withoutNotifier } from "./queue-changes.ts"
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
      return { queue: { ...queue, status: blocked(queue.status, change.info) } }
    case "UNBLOCK": // active also if it was suspended before: that is what the reference served since
      return { queue: { ...queue, status: { tag: "active" } } }
    case "TIME":
      return { queue: { ...queue, updatedAt: change.updatedAt } }
    case "QUEUE_SERVICE":
      return replayAssociation(queue, change)
    default:
      return change satisfies never
  }
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

/** A queue that its recipient had suspended is that again when the block ends. */
function blocked(before: QueueStatus, info: BlockingInfo): QueueStatus {
  const suspended = before.tag === "off" || (before.tag === "blocked" && before.suspended === true)
  return { tag: "blocked", info, ...(suspended && { suspended }) }
}
