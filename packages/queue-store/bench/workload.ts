import { randomBytes, randomFillSync } from "node:crypto"
import type { QueueStore } from "../src/queue-store.ts"
import type { QueueRecord } from "../src/records.ts"

const ED25519 = Uint8Array.from(Buffer.from("302a300506032b6570032100", "hex"))
const pool = randomBytes(1 << 16)
let used = pool.length

/** 24 random bytes. */
export function newId(): Uint8Array {
  return random(24)
}

/** A secured messaging queue with Ed25519 keys, as clients make most of them. */
export function newQueue(): QueueRecord {
  return {
    recipientId: newId(),
    senderId: newId(),
    recipientKeys: [newKey()],
    rcvDhSecret: random(32),
    senderKey: newKey(),
    queueMode: "messaging",
    status: { tag: "active" },
    createdAt: 1_700_006_400,
    updatedAt: 1_700_006_400,
  }
}

/** Adds that many queues, `batch` of them in one change, as an import does. */
export async function fill(store: QueueStore, count: number, batch = 500): Promise<QueueRecord[]> {
  const made: QueueRecord[] = []
  while (made.length < count) {
    const queues = Array.from({ length: Math.min(batch, count - made.length) }, newQueue)
    await store.importQueues(queues.map((queue) => ({ queue })))
    made.push(...queues)
  }
  return made
}

/** `name=value` arguments over defaults; values take the type of the default. */
export function settings<T extends Record<string, string | number>>(defaults: T): T {
  const chosen: Record<string, string | number> = { ...defaults }
  for (const argument of process.argv.slice(2)) {
    const [name = "", value = ""] = argument.split("=")
    if (!(name in chosen)) throw new Error(`unknown setting ${name}; known: ${Object.keys(defaults).join(", ")}`)
    chosen[name] = typeof chosen[name] === "number" ? Number(value) : value
  }
  return chosen as T
}

function newKey(): Uint8Array {
  const key = new Uint8Array(44)
  key.set(ED25519)
  key.set(random(32), 12)
  return key
}

function random(length: number): Uint8Array {
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const bytes = new Uint8Array(pool.subarray(used, used + length))
  used += length
  return bytes
}
