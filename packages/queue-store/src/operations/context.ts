import type { CryptoBackend } from "@sluice/crypto/backend"
import { copyOf } from "../codec/copy.ts"
import { decodeQueue } from "../codec/queue-code.ts"
import type { Ownership } from "../ownership.ts"
import type { Refusal, Refused } from "../queue-store.ts"
import type { QueueRecord } from "../records.ts"
import type { Table, Tables } from "../tables.ts"

/**
 * What every operation works on. Operations check everything first, then write, and change ownership last, so that one
 * that throws while checking has changed nothing.
 */
export interface Context {
  readonly tables: Tables
  readonly ownership: Ownership
  /** For the hashes of sets of IDs. */
  readonly crypto: CryptoBackend
}

/** The record of a queue, or absent. */
export function findQueue(tables: Tables, recipientId: Uint8Array): QueueRecord | undefined {
  const stored = getById(tables.queues, recipientId)
  return stored === undefined ? undefined : decodeQueue(recipientId, stored)
}

/** The record of a queue that may be changed, or why not. */
export function findUnblocked(
  tables: Tables,
  recipientId: Uint8Array,
): { readonly ok: true; readonly queue: QueueRecord } | Refused {
  const queue = findQueue(tables, recipientId)
  if (queue === undefined) return refuse("no-queue")
  if (queue.status.tag === "blocked") return { ok: false, refusal: "blocked", info: queue.status.info }
  return { ok: true, queue }
}

export function refuse(refusal: Refusal): Refused {
  return { ok: false, refusal }
}

/** The entry of an ID as it came from a client: of any length, and then possibly no key that a table could have. */
export function getById(table: Table, id: Uint8Array): Uint8Array | undefined {
  return id.length === 0 || id.length > 255 ? undefined : table.get(id)
}

/** A copy of the entry of an ID, for what is needed beyond the next use of a table. */
export function copyById(table: Table, id: Uint8Array): Uint8Array | undefined {
  const stored = getById(table, id)
  return stored === undefined ? undefined : copyOf(stored)
}
