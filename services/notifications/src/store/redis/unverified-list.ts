import type { EntityId } from "@sluice/smp-protocol/types"
import type { RedisContext } from "./context.ts"
import { bucketOf } from "./keys.ts"
import { MOVE_UNVERIFIED } from "./scripts/token-scripts.ts"

/** Lists a registration that is about to be made: a list that names too many does no harm, one that names too few would. */
export async function noteUnverified(c: RedisContext, tokenId: EntityId, day: number): Promise<void> {
  await c.connection.run({ steps: [["ZADD", c.keys.unverified(bucketOf(tokenId)), day, tokenId]], write: true })
}

/** It was seen on a later day than it is listed under. Nothing is added, so that nobody has to wait for room. */
export async function moveUnverified(c: RedisContext, tokenId: EntityId, day: number): Promise<void> {
  const call = { script: MOVE_UNVERIFIED, keys: [c.keys.unverified(bucketOf(tokenId))], args: [day, tokenId] }
  await c.connection.run({ steps: [call], write: true })
}

/** It was verified, or has gone. */
export async function forgetUnverified(c: RedisContext, tokenId: EntityId): Promise<void> {
  await c.connection.command(["ZREM", c.keys.unverified(bucketOf(tokenId)), tokenId])
}
