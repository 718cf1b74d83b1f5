import { idKey } from "@sluice/encoding/bytes"
import type { Client } from "../client.ts"
import { countDeletion, queueRemoved } from "../queue-removal.ts"
import { OK, refused } from "../request.ts"
import type { QueueHandler } from "./handler.ts"

/** `OFF` (smp.md §2.5): the queue takes no more messages; what is stored can still be received. */
export const off: QueueHandler<"OFF"> = async (relay, _client, { queue }) => {
  const outcome = await relay.store.setStatus(queue.recipientId, { tag: "off" })
  return outcome.ok ? OK : refused(outcome)
}

/** `DEL`: removes the queue with everything that belongs to it, and ends the subscriptions of others. */
export const del: QueueHandler<"DEL"> = async (relay, client, { queue }) => {
  const outcome = await relay.store.deleteQueue(queue.recipientId)
  if (!outcome.ok) return refused(outcome)
  countDeletion(relay.statistics, outcome.queue)
  queueRemoved(relay, outcome, client)
  return OK
}

/** `QUE`: what is known of the queue and of this connection's subscription, for debugging. */
export const que: QueueHandler<"QUE"> = async (relay, client, { queue }) => {
  const { size, head } = await relay.store.queueInfo(queue.recipientId)
  relay.lastUse.note(queue)
  return {
    message: {
      tag: "INFO",
      secured: queue.senderKey !== undefined,
      hasNotifier: queue.notifier !== undefined,
      subscription: subscriptionInfo(client, idKey(queue.recipientId)),
      size,
      first: head && {
        msgId: head.id,
        timestamp: new Date(head.timestamp * 1000).toISOString().replace(".000Z", "Z"),
        type: head.kind,
      },
    },
  }
}

type SubscriptionInfo = {
  readonly thread: "noSub" | "subPending" | "prohibitSub"
  readonly delivered?: Uint8Array | undefined
}

/** State of the asking connection for the queue (smp.md §6.2): `noSub` is the normal one of a subscriber. */
function subscriptionInfo(client: Client, key: string): SubscriptionInfo | undefined {
  const subscription = client.subscription(key)
  if (subscription !== undefined) {
    const thread = subscription.state === "waiting" ? "subPending" : "noSub"
    return { thread, delivered: subscription.deliveredId }
  }
  const mark = client.getOnly(key)
  return mark === undefined ? undefined : { thread: "prohibitSub", delivered: mark.delivered }
}
