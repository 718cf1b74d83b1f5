import { idKey } from "@sluice/encoding/bytes"
import type { QueueStore } from "@sluice/queue-store/queue-store"

/** A store that says how often queues were filled, as the one in Redis does, on one whose operations take effect at once. */
export function countFillings(store: QueueStore): QueueStore {
  const fillings = new Map<string, number>()
  const at = (id: Uint8Array): number => fillings.get(idKey(id)) ?? 0
  return {
    ...store,
    // Whoever waits for results of such a store is called in the order in which the operations took effect.
    enqueue: (id, message, options) =>
      store.enqueue(id, message, options).then((result) => {
        if (result.result !== "stored" || !result.wasEmpty) return result
        fillings.set(idKey(id), at(id) + 1)
        return { ...result, filling: at(id) }
      }),
    peek: (ids) =>
      store
        .peek(ids)
        .then((all) =>
          all.map((peeked, n) => (peeked.head === undefined ? { filling: at(ids[n] as Uint8Array) } : peeked)),
        ),
    acknowledge: (id, messageId, owner) =>
      store.acknowledge(id, messageId, owner).then((result) => {
        const empty = result.result === "acknowledged" && result.next === undefined
        return empty ? { ...result, filling: at(id) } : result
      }),
    subscribe: (requests, node) =>
      store.subscribe(requests, node).then((outcomes) =>
        outcomes.map((outcome) => {
          const empty = outcome.ok && outcome.head === undefined
          return empty ? { ...outcome, filling: at(outcome.queue.recipientId) } : outcome
        }),
      ),
  }
}
