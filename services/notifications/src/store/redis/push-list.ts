import { concatBytes, idKey, latin1 } from "@sluice/encoding/bytes"
import { RedisError } from "@sluice/redis/redis-error"
import type { PushReference } from "../ntf-store.ts"
import { change, type RedisContext } from "./context.ts"
import { bucketOf, KIND } from "./keys.ts"
import { REMOVE_ENTRY } from "./scripts/push-scripts.ts"

/** Longest time in which the node that stored a push begins to send it; from then on others may, ms. */
const GRACE = 3000

/** The entry of a push in its list. */
export function memberOf({ tokenId, kind }: PushReference): Uint8Array {
  return concatBytes(tokenId, latin1(KIND[kind]))
}

export function pushOf(member: Uint8Array): PushReference {
  const kind = member.at(-1) === KIND.verification.charCodeAt(0) ? "verification" : "message"
  return { tokenId: member.slice(0, -1), kind }
}

/**
 * Puts pushes that are about to be stored into the lists, so that none can be stored that no list names. The score is a
 * whole number, the time from which other nodes may look after it, which is given.
 */
export async function enlist(c: RedisContext, pushes: readonly PushReference[]): Promise<number> {
  const at = Math.round(c.clock.now()) + Math.min(GRACE, c.lease)
  await Promise.all(
    [...byBucket(pushes)].map(([bucket, some]) =>
      c.connection.run({
        steps: [["ZADD", c.keys.pushes(bucket), ...some.flatMap((push) => [at, memberOf(push)])]],
        write: true,
      }),
    ),
  )
  return at
}

/** Puts off the time from which others look after a push, as long as nothing newer is stored of it. */
export async function putOff(c: RedisContext, push: PushReference, ms: number): Promise<void> {
  // Never a whole number, so that it is not that of a newer push.
  const at = Math.round(c.clock.now()) + ms + 0.5
  const member = memberOf(push)
  c.claims.set(idKey(member), at)
  try {
    await c.connection.command(["ZADD", c.keys.pushes(bucketOf(push.tokenId)), "XX", at, member])
  } catch (error) {
    // Others look earlier then, and find the claim.
    if (!(error instanceof RedisError)) throw error
  }
}

/** Takes a push that is done out of its list, unless a newer one was put there. */
export async function delist(c: RedisContext, push: PushReference, score?: number): Promise<void> {
  const member = memberOf(push)
  const known = score ?? c.claims.get(idKey(member))
  c.claims.delete(idKey(member))
  if (known === undefined) return
  await change(c, REMOVE_ENTRY, [c.keys.pushes(bucketOf(push.tokenId))], [member, String(known)])
}

/** Takes pushes out of their lists whatever is there. */
export async function removeAll(c: RedisContext, pushes: readonly PushReference[]): Promise<void> {
  for (const push of pushes) c.claims.delete(idKey(memberOf(push)))
  await Promise.all(
    [...byBucket(pushes)].map(([bucket, some]) =>
      c.connection.command(["ZREM", c.keys.pushes(bucket), ...some.map(memberOf)]),
    ),
  )
}

function byBucket(pushes: readonly PushReference[]): Map<number, PushReference[]> {
  return Map.groupBy(pushes, ({ tokenId }) => bucketOf(tokenId))
}
