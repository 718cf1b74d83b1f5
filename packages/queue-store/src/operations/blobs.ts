import { equalBytes } from "@sluice/encoding/bytes"
import type { BlobStore, BlobWritten, StoredBlob } from "../blob-store.ts"
import { decodeBlob, decodeCount, encodeBlob, encodeCount, writtenAtOf } from "../codec/blob-code.ts"
import type { Engine } from "../engine.ts"
import type { Step } from "../queue-store.ts"
import type { Tables } from "../tables.ts"
import { walk } from "./walk.ts"

/** Blobs (docs/blob-links.md). Their number stands in their own table, under a key that is shorter than any ID. */

const COUNT_KEY = Uint8Array.of(0)

/** The blobs of an engine. */
export function blobsOn(engine: Engine): BlobStore {
  const { tables } = engine
  return {
    writeBlob: (id, blob, { limit }) => engine.grow("writeBlob", () => writeBlob(tables, id, blob, limit)),
    clearBlob: (id, key) => engine.change("clearBlob", () => clearBlob(tables, id, key)),
    readBlob: (id) => engine.read("readBlob", () => findBlob(tables, id)),
    countBlobs: () => engine.read("countBlobs", () => countOf(tables)),
    listBlobs: (options) => engine.read("listBlobs", () => listBlobs(tables, options)),
    expireBlobs: (options) => engine.change("expireBlobs", () => expireBlobs(tables, options)),
  }
}

function writeBlob(tables: Tables, id: Uint8Array, blob: StoredBlob, limit: number): BlobWritten {
  const before = findBlob(tables, id)
  if (before !== undefined && !equalBytes(before.key, blob.key)) return { ok: false, refusal: "other-key" }
  const count = countOf(tables)
  if (before === undefined && count >= limit) return { ok: false, refusal: "full" }
  tables.blobs.put(id, encodeBlob(blob))
  if (before === undefined) tables.blobs.put(COUNT_KEY, encodeCount(count + 1))
  return { ok: true }
}

function clearBlob(tables: Tables, id: Uint8Array, key: Uint8Array): boolean {
  const before = findBlob(tables, id)
  if (before === undefined || !equalBytes(before.key, key)) return false
  remove(tables, [id])
  return true
}

function listBlobs(tables: Tables, options: { readonly limit: number } & Step): Step & { readonly ids: Uint8Array[] } {
  const { keys, step } = walk(tables.blobs, options)
  return { ids: keys.filter(isId), ...step }
}

function expireBlobs(
  tables: Tables,
  options: { readonly before: number; readonly limit: number } & Step,
): Step & { readonly expired: number } {
  const { keys, step } = walk(tables.blobs, options)
  const old = keys.filter((id) => isId(id) && isOlder(tables.blobs.get(id), options.before))
  if (old.length > 0) remove(tables, old)
  return { expired: old.length, ...step }
}

function remove(tables: Tables, ids: readonly Uint8Array[]): void {
  const count = countOf(tables)
  for (const id of ids) tables.blobs.remove(id)
  tables.blobs.put(COUNT_KEY, encodeCount(count - ids.length))
}

function findBlob(tables: Tables, id: Uint8Array): StoredBlob | undefined {
  const stored = isId(id) ? tables.blobs.get(id) : undefined
  return stored === undefined ? undefined : decodeBlob(stored)
}

function countOf(tables: Tables): number {
  return decodeCount(tables.blobs.get(COUNT_KEY))
}

function isOlder(stored: Uint8Array | undefined, before: number): boolean {
  return stored !== undefined && writtenAtOf(stored) < before
}

function isId(key: Uint8Array): boolean {
  return key.length > COUNT_KEY.length
}
