import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { QueueRecord } from "@sluice/queue-store/records"

/** Sends a text through a new queue and returns what its recipient reads, `undefined` if something is in the way. */
export async function passOn(store: QueueStore, queue: QueueRecord, text: string): Promise<string | undefined> {
  const { recipientId } = queue
  const created = await store.createQueue(queue, { subscriber: "this node" })
  if (!created.created || created.owner === undefined) return undefined

  const id = crypto.getRandomValues(new Uint8Array(24))
  const body = new TextEncoder().encode(text)
  const message = { kind: "message", id, timestamp: 1_700_000_000, notify: false, body } as const
  const sent = await store.enqueue(recipientId, message, { quota: 128 })
  if (sent.result !== "stored") return undefined // committed from here on

  const [{ head } = {}] = await store.peek([recipientId])
  await store.acknowledge(recipientId, id, created.owner)
  return head?.kind === "message" ? new TextDecoder().decode(head.body) : undefined
}
