import type { MovableStore } from "../src/migration/migrate-store.ts"
import type { ImportedQueue } from "../src/queue-store.ts"
import {
  contactQueue,
  key,
  lid,
  link,
  message,
  mid,
  nid,
  notifier,
  queue,
  rid,
  service,
  serviceId,
} from "./fixtures.ts"

/** Puts some of everything that a store can hold into one: `size` queues, every fifth with messages, and so on. */
export async function fillStore(store: MovableStore, size: number): Promise<void> {
  await store.importServices([service(1), service(2, { role: "N" }), service(3, { role: "P" })])
  for (let from = 0; from < size; from += 200) {
    const numbers = Array.from({ length: Math.min(200, size - from) }, (_, i) => from + i)
    await store.importQueues(numbers.map(filledQueue))
    const notified = numbers.filter((n) => n % 6 === 0)
    const pending = (n: number) => ({
      timestamp: 1000 + n,
      nonce: mid(n),
      encryptedMetadata: new Uint8Array(144).fill(n),
    })
    await store.importNotifications(
      notified.map((n) => ({
        notifierId: nid(n),
        notifications: Array.from({ length: n % 4 }, (_, i) => pending(n + i)),
      })),
    )
  }
  const blobs = Math.ceil(size / 10)
  for (let n = 0; n < blobs; n++) {
    const blob = { key: key(n % 100), writtenAt: 2000 + n, data: new Uint8Array(100 + n).fill(n) }
    await store.blobs.writeBlob(blobId(n), blob, { limit: blobs })
  }
}

const MARKER = { kind: "quota", timestamp: 5000 } as const

function filledQueue(n: number): ImportedQueue {
  const messages = n % 5 === 0 ? Array.from({ length: n % 7 }, (_, i) => message(n * 10 + i)) : []
  const full = n % 10 === 0 && messages.length > 0
  const record = (n % 3 === 0 ? contactQueue : queue)(n, {
    ...(n % 3 === 0 && { linkId: lid(n) }),
    ...(n % 4 === 0 && { senderKey: key(n % 100) }),
    ...(n % 6 === 0 && { notifier: notifier(n, n % 12 === 0 ? { serviceId: serviceId(2) } : {}) }),
    ...(n % 8 === 0 && { rcvServiceId: serviceId(1) }),
    ...(n % 9 === 0 && { status: { tag: "blocked", info: { reason: "spam", notice: { ttl: 60 } } } as const }),
  })
  return {
    queue: record,
    ...(n % 3 === 0 && { linkData: link(n, n + 1) }),
    messages: full ? [...messages, { ...MARKER, id: mid(n * 10 + 9) }] : messages,
  }
}

function blobId(n: number): Uint8Array {
  const id = new Uint8Array(32)
  id.set(rid(n))
  return id
}
