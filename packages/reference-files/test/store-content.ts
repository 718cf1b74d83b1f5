import { createHash } from "node:crypto"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { steps } from "../src/steps.ts"

/** Everything that a store holds, in an order of its own; two stores with the same content are equal. */
export async function* contentOf(store: QueueStore): AsyncGenerator<unknown> {
  yield await store.counts()
  for await (const { services } of steps((from) => store.services({ limit: 100, ...from }))) {
    for (const service of services) {
      yield service
      yield await store.serviceTotals(service.serviceId, "messages")
      yield await store.serviceTotals(service.serviceId, "notifications")
    }
  }
  for await (const { queues } of steps((from) => store.queues({ limit: 100, ...from }))) {
    for (const queue of queues) {
      yield queue
      yield await store.linkData(queue.recipientId)
      yield await store.messages(queue.recipientId)
    }
  }
  for await (const { notifierIds } of steps((from) => store.pendingNotifiers({ limit: 100, ...from }))) {
    for (const id of notifierIds) {
      const pending = await store.notifications(id, Number.MAX_SAFE_INTEGER)
      // The store numbers them as it likes; the order is what counts.
      yield [id, pending.map(({ sequence: _, ...rest }) => rest)]
    }
  }
}

export async function listContent(store: QueueStore): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of contentOf(store)) items.push(item)
  return items
}

/** The same as a digest, for stores that are too large to compare. */
export async function digestOf(store: QueueStore): Promise<string> {
  const hash = createHash("sha256")
  for await (const item of contentOf(store)) hash.update(JSON.stringify([item], bytesAsHex))
  return hash.digest("hex")
}

function bytesAsHex(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value
}
