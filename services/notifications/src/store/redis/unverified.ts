import { equalBytes } from "@sluice/encoding/bytes"
import { listOf } from "@sluice/redis/redis-command"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { PageOptions, RemovedTokens } from "../ntf-store.ts"
import { encodeToken } from "../records-code.ts"
import { bytesIn, type RedisContext } from "./context.ts"
import { BUCKETS } from "./keys.ts"
import { deleteToken, token } from "./tokens.ts"
import { forgetUnverified, moveUnverified } from "./unverified-list.ts"

/**
 * Goes through the oldest entries of a list: each of them leaves it, or moves to a later day. So a step begins where the
 * last one did as long as it finds as many as it may, and then goes on with the next list; `after` is the list, one byte.
 */
export async function removeUnverified(
  c: RedisContext,
  before: number,
  { after, limit }: PageOptions,
): Promise<RemovedTokens> {
  const bucket = after?.[0] ?? 0
  const line = ["ZRANGEBYSCORE", c.keys.unverified(bucket), "-inf", `(${before}`, "LIMIT", 0, limit] as const
  const ids = listOf(await c.connection.command(line)).map(bytesIn)
  const removed = await Promise.all(ids.map((tokenId) => removeOne(c, tokenId, before)))
  const following = ids.length < limit ? bucket + 1 : bucket
  return {
    removed: removed.filter(Boolean).length,
    next: following < BUCKETS ? Uint8Array.of(following) : undefined,
  }
}

async function removeOne(c: RedisContext, tokenId: EntityId, before: number): Promise<boolean> {
  const found = await token(c, tokenId)
  if (found === undefined || found.status.type === "ACTIVE") {
    // It has gone, or was verified, and something broke off.
    await forgetUnverified(c, tokenId)
    return false
  }
  if (found.seenDay >= before) {
    await moveUnverified(c, tokenId, found.seenDay)
    return false
  }
  if ((await deleteToken(c, tokenId, encodeToken(found))) !== undefined) return true
  // It has subscriptions, so it was verified, or it changed under our hands: then another run looks at it.
  const now = await token(c, tokenId)
  if (now === undefined || equalBytes(encodeToken(now), encodeToken(found))) await forgetUnverified(c, tokenId)
  else await moveUnverified(c, tokenId, before)
  return false
}
