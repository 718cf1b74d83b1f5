import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import type { QueueRecord } from "@sluice/queue-store/records"
import type { Line } from "./crypto.ts"
import { measureCpu } from "./measure.ts"

const QUEUES = 1_000
const COUNT = 4_000
const IN_FLIGHT = 64

/** Enqueue and acknowledge on the embedded store, with durable commits. */
export async function storeLines(): Promise<Line[]> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"))
  const store = await openLmdbStore({ folder })
  try {
    const queues = Array.from({ length: QUEUES }, newQueue)
    await Promise.all(queues.map((queue) => store.createQueue(queue)))
    const body = new Uint8Array(16_048).fill(7)
    const waiting: { readonly queue: QueueRecord; readonly id: Uint8Array }[] = []
    const at = (i: number): QueueRecord => queues[i % QUEUES] as QueueRecord
    const enqueued = await measureCpu(COUNT, IN_FLIGHT, async (i) => {
      const id = nativeCrypto.randomBytes(24)
      await store.enqueue(at(i).recipientId, message(id, body), { quota: 1_000 })
      waiting.push({ queue: at(i), id })
    })
    let done = 0
    const acknowledged = await measureCpu(COUNT, IN_FLIGHT, async () => {
      const next = waiting[done++]
      if (next === undefined) throw new Error("nothing left to acknowledge")
      await store.acknowledge(next.queue.recipientId, next.id)
    })
    const lookedUp = await measureCpu(COUNT, IN_FLIGHT, (i) => store.queueBySender(at(i).senderId))
    return [
      { name: "store: enqueue 16 KB, durable", figure: enqueued, ceiling: "LMDB put 16 KB, 64 in flight, durable" },
      { name: "store: acknowledge", figure: acknowledged, ceiling: "LMDB put 16 KB, 64 in flight, durable" },
      { name: "store: look up a queue", figure: lookedUp, ceiling: "LMDB get 200 B" },
    ]
  } finally {
    await store.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function message(id: Uint8Array, body: Uint8Array) {
  return { kind: "message", id, timestamp: 1_700_000_000, notify: false, body } as const
}

function newQueue(): QueueRecord {
  const random = (length: number): Uint8Array => nativeCrypto.randomBytes(length)
  return {
    recipientId: random(24),
    senderId: random(24),
    recipientKeys: [random(44)],
    rcvDhSecret: random(32),
    senderKey: random(44),
    queueMode: "messaging",
    status: { tag: "active" },
    updatedAt: 1_700_006_400,
  }
}
