import { bytesOf, listOf, textOf } from "@sluice/redis/redis-command"
import type { BlobStore, BlobWritten, StoredBlob } from "../blob-store.ts"
import { copyOf } from "../codec/copy.ts"
import type { Step } from "../queue-store.ts"
import { bytesIn, change, countIn, type RedisContext } from "./context.ts"
import { numberIn } from "./record-fields.ts"
import { RedisDataError } from "./redis-errors.ts"
import { CLEAR_BLOB, EXPIRE_BLOBS, WRITE_BLOB } from "./scripts/blob-scripts.ts"

/** Where an expiry goes on is not remembered: the oldest blobs are always the next. */
const FROM_THE_OLDEST = Uint8Array.of(0)

/** Runs an operation under its name, as the store does all of its own. */
export type RunOperation = <T>(operation: string, start: () => Promise<T>) => Promise<T>

/** Blobs in Redis (docs/blob-links.md). */
export function redisBlobs(c: RedisContext, run: RunOperation): BlobStore {
  return {
    writeBlob: (id, blob, { limit }) => run("writeBlob", () => writeBlob(c, id, blob, limit)),
    clearBlob: (id, key) => run("clearBlob", () => clearBlob(c, id, key)),
    readBlob: (id) => run("readBlob", () => readBlob(c, id)),
    countBlobs: () => run("countBlobs", () => countBlobs(c)),
    listBlobs: (options) => run("listBlobs", () => listBlobs(c, options)),
    expireBlobs: (options) => run("expireBlobs", () => expireBlobs(c, options)),
  }
}

async function writeBlob(c: RedisContext, id: Uint8Array, blob: StoredBlob, limit: number): Promise<BlobWritten> {
  const { times, blob: key, name } = c.keys.blob(id)
  const { word } = await change(c, WRITE_BLOB, [times, key], [name, blob.key, blob.writtenAt, blob.data, limit])
  if (word === "ok") return { ok: true }
  if (word === "other-key" || word === "full") return { ok: false, refusal: word }
  throw new RedisDataError(`a script answered ${word}`)
}

async function clearBlob(c: RedisContext, id: Uint8Array, ownerKey: Uint8Array): Promise<boolean> {
  const { times, blob, name } = c.keys.blob(id)
  const { word } = await change(c, CLEAR_BLOB, [times, blob], [name, ownerKey])
  return word === "ok"
}

async function readBlob(c: RedisContext, id: Uint8Array): Promise<StoredBlob | undefined> {
  const fields = listOf(await c.connection.command(["HMGET", c.keys.blob(id).blob, "k", "t", "d"]))
  const [key, time, data] = fields.map(bytesIn)
  if (key === undefined || time === undefined || data === undefined) return undefined
  return { key: copyOf(key), writtenAt: numberIn(time), data: copyOf(data) }
}

async function countBlobs(c: RedisContext): Promise<number> {
  return countIn(await c.connection.command(["ZCARD", c.keys.blobs().times]))
}

/** The cursor is that of the scan, in text. A small set comes as a whole, whatever the limit. */
async function listBlobs(
  c: RedisContext,
  { cursor, limit }: { readonly limit: number } & Step,
): Promise<Step & { readonly ids: Uint8Array[] }> {
  const from = cursor ?? Buffer.from("0")
  const [next, entries] = listOf(
    await c.connection.command(["ZSCAN", c.keys.blobs().times, from, "COUNT", Math.max(1, limit)]),
  )
  // Members and scores in turn; members are the IDs in base64url.
  const members = listOf(entries).filter((_, i) => i % 2 === 0)
  const ids = members.map((member) => new Uint8Array(Buffer.from(textOf(member), "base64url")))
  return textOf(next) === "0" ? { ids } : { ids, cursor: copyOf(bytesOf(next)) }
}

async function expireBlobs(
  c: RedisContext,
  { before, limit }: { readonly before: number; readonly limit: number } & Step,
): Promise<Step & { readonly expired: number }> {
  const most = Math.max(1, limit)
  const { times, start } = c.keys.blobs()
  const { values } = await change(c, EXPIRE_BLOBS, [times, start], [before, most])
  const expired = countIn(values[0])
  return expired < most ? { expired } : { expired, cursor: FROM_THE_OLDEST }
}
