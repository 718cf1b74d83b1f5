import { type CommandLine, listOf } from "@sluice/redis/redis-command"
import { copyOf } from "../../codec/copy.ts"
import { isId } from "../../codec/keys.ts"
import type { Step } from "../../queue-store.ts"
import { bytesIn, type RedisContext } from "../context.ts"
import { BUCKETS, type ListKind } from "../keys.ts"

/** Ordered lists of IDs in many keys, and walks over them in the order of the IDs. */

/** Adds an ID to a list, before its record is there. */
export async function addToList(c: RedisContext, of: ListKind, id: Uint8Array): Promise<void> {
  await c.connection.run({ steps: [["ZADD", c.keys.list(of, bucketOf(id)), 0, id]], write: true })
}

/** Removes an ID from a list, after its record is gone. */
export async function removeFromList(c: RedisContext, of: ListKind, id: Uint8Array): Promise<void> {
  await c.connection.run({ steps: [["ZREM", c.keys.list(of, bucketOf(id)), id]], write: true })
}

/** The next IDs of a list, and the step that leads on. */
export function walkList(
  c: RedisContext,
  of: ListKind,
  options: { readonly limit: number } & Step,
): Promise<{ readonly ids: Uint8Array[]; readonly step: Step }> {
  const keys = Array.from({ length: BUCKETS }, (_, bucket) => c.keys.list(of, bucket))
  const from = options.cursor === undefined ? 0 : bucketOf(options.cursor)
  return walkKeys(c, keys.slice(from), options)
}

/**
 * Goes through sorted sets that follow each other in the order of their members. Several are asked at once: as many as seem
 * to be needed by what was found so far, and at most twice as many as before.
 * @param keys from that of the cursor on
 */
export async function walkKeys(
  c: RedisContext,
  keys: readonly string[],
  options: { readonly limit: number } & Step,
): Promise<{ readonly ids: Uint8Array[]; readonly step: Step }> {
  const limit = Math.max(1, options.limit)
  const ids: Uint8Array[] = []
  const first = options.cursor === undefined ? "-" : exclusive(options.cursor)
  for (let at = 0, width = 1; at < keys.length && ids.length < limit; ) {
    const missing = limit - ids.length
    const lines = keys.slice(at, at + width).map((key, i): CommandLine => {
      return ["ZRANGE", key, at === 0 && i === 0 ? first : "-", "+", "BYLEX", "LIMIT", 0, missing]
    })
    const found = await Promise.all(lines.map((line) => c.connection.command(line)))
    ids.push(...found.flatMap((reply) => listOf(reply).map(bytesIn)).filter((id) => id !== undefined))
    at += width
    const needed = ids.length === 0 ? Number.POSITIVE_INFINITY : ((limit - ids.length) * at) / ids.length
    width = Math.max(1, Math.min(width * 2, Math.ceil(needed)))
  }
  const visited = ids.slice(0, limit).map(copyOf)
  const last = visited.at(-1)
  return { ids: visited, step: last !== undefined && visited.length === limit ? { cursor: last } : {} }
}

function bucketOf(id: Uint8Array): number {
  return isId(id) ? (id[0] as number) : 0
}

function exclusive(id: Uint8Array): Uint8Array {
  const bound = new Uint8Array(1 + id.length)
  bound[0] = 0x28 // "("
  bound.set(id, 1)
  return bound
}
