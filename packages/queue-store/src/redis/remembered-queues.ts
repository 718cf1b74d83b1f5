import { idKey } from "@sluice/encoding/bytes"
import { Lru } from "@sluice/ops/lru"
import type { QueueRecord } from "../records.ts"

/** A record as it was read once, and the revision that it had then. */
export interface RememberedQueue {
  readonly queue: QueueRecord
  readonly revision: string
}

/** What became of look-ups that may be answered from memory, since the start. */
export interface RememberingFigures {
  /** Answered from memory. */
  readonly remembered: number
  /** Asked of Redis, because it was not in memory. */
  readonly read: number
  /** Operations that were refused because the record was another one by now. */
  readonly changed: number
}

interface Entry {
  readonly remembered: RememberedQueue
  /** Number of the use with which it became the youngest. */
  usedAt: number
}

/** Bytes of IDs, keys and secrets in a record that is remembered: a usual one has 200, one with 255 keys 17,000. */
const LARGEST = 1024

/**
 * The records that were used last, about 1.3 KB each, found by recipient and by sender ID. Nothing tells when another node
 * changes one: whoever acts on such a record names its revision, which the script compares.
 */
export class RememberedQueues {
  readonly figures: { -readonly [K in keyof RememberingFigures]: number } = { remembered: 0, read: 0, changed: 0 }
  readonly #byRecipient: Lru<string, Entry>
  readonly #recipients = new Map<string, string>()
  #uses = 0

  /** @param capacity records, at least 1 */
  constructor(capacity: number) {
    this.#byRecipient = new Lru(capacity, (_, { remembered }) => {
      this.#recipients.delete(idKey(remembered.queue.senderId))
    })
  }

  get(by: "recipient" | "sender", id: Uint8Array): RememberedQueue | undefined {
    const recipient = by === "recipient" ? idKey(id) : this.#recipients.get(idKey(id))
    const entry = recipient === undefined ? undefined : this.#byRecipient.peek(recipient)
    if (recipient === undefined || entry === undefined) return undefined
    // A use is a removal and an insertion, which nobody needs of entries that are far from being dropped.
    if (++this.#uses - entry.usedAt > this.#byRecipient.capacity / 4) {
      this.#byRecipient.get(recipient)
      entry.usedAt = this.#uses
    }
    return entry.remembered
  }

  set({ queue, revision }: RememberedQueue): void {
    const size = sizeOf(queue)
    if (size > LARGEST) return
    const recipient = idKey(queue.recipientId)
    const remembered = { queue: inOwnMemory(queue, size), revision }
    this.#byRecipient.set(recipient, { remembered, usedAt: ++this.#uses })
    this.#recipients.set(idKey(queue.senderId), recipient)
  }

  /** Forgets the record if it has another revision: this is the one that is stored. */
  keepOnly(recipientId: Uint8Array, revision: string | undefined): void {
    const known = this.#byRecipient.peek(idKey(recipientId))
    if (known !== undefined && known.remembered.revision !== revision) this.forget(recipientId)
  }

  forget(recipientId: Uint8Array): void {
    const recipient = idKey(recipientId)
    const known = this.#byRecipient.peek(recipient)
    if (known === undefined) return
    this.#byRecipient.delete(recipient)
    this.#recipients.delete(idKey(known.remembered.queue.senderId))
  }
}

function sizeOf(queue: QueueRecord): number {
  let size = 0
  mapBytes(queue, (bytes) => {
    size += bytes.length
    return bytes
  })
  return size
}

/** A copy of the record on one buffer of its size: as it was read, each of its parts may keep 4 KB alive (see `smallBytes`). */
function inOwnMemory(queue: QueueRecord, size: number): QueueRecord {
  const memory = new Uint8Array(size)
  let used = 0
  return mapBytes(queue, (bytes) => {
    const copy = memory.subarray(used, used + bytes.length)
    copy.set(bytes)
    used += bytes.length
    return copy
  })
}

function mapBytes(queue: QueueRecord, map: (bytes: Uint8Array) => Uint8Array): QueueRecord {
  const { senderKey, linkId, notifier, rcvServiceId } = queue
  return {
    ...queue,
    recipientId: map(queue.recipientId),
    senderId: map(queue.senderId),
    recipientKeys: queue.recipientKeys.map(map),
    rcvDhSecret: map(queue.rcvDhSecret),
    ...(senderKey !== undefined && { senderKey: map(senderKey) }),
    ...(linkId !== undefined && { linkId: map(linkId) }),
    ...(rcvServiceId !== undefined && { rcvServiceId: map(rcvServiceId) }),
    ...(notifier !== undefined && {
      notifier: {
        notifierId: map(notifier.notifierId),
        key: map(notifier.key),
        dhSecret: map(notifier.dhSecret),
        ...(notifier.serviceId !== undefined && { serviceId: map(notifier.serviceId) }),
      },
    }),
  }
}
