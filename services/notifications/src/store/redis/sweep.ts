import { concatBytes, equalBytes, fromHex, latin1, toHex } from "@sluice/encoding/bytes"
import { listOf } from "@sluice/redis/redis-command"
import { bytesIn, copyIn, type RedisContext } from "./context.ts"
import { decodeQueue } from "./queue-code.ts"
import { removeQueue } from "./queues.ts"

/** What a step did. */
export interface Swept {
  /** Queues that no registration has and that were removed. */
  readonly removed: number
  /** Where the next step begins; absent at the end. */
  readonly cursor?: string
}

/** Queues that one step looks at. */
const STEP = 500
const RELAY_ID_LENGTH = 16

/**
 * Looks whether the registrations of a relay's queues know them, and removes those that they do not: left by operations
 * that broke off, or by registrations that were deleted while Redis failed. A queue that is just being subscribed is
 * entered at its relay first, so only what was asked for long ago, or is no more to be asked for, is removed.
 */
export async function sweep(c: RedisContext, cursor?: string): Promise<Swept> {
  const from = cursor === undefined ? undefined : fromHex(cursor)
  const relayId = from?.subarray(0, RELAY_ID_LENGTH) ?? (await relayBehind(c, undefined))
  if (relayId === undefined) return { removed: 0 }
  const after = from?.subarray(RELAY_ID_LENGTH)
  const { order, subscriptions, fresh } = c.keys.relay(relayId)
  const begin = after === undefined || after.length === 0 ? "-" : concatBytes(latin1("("), after)
  const ids = listOf(await c.connection.command(["ZRANGEBYLEX", order, begin, "+", "LIMIT", 0, STEP])).map(bytesIn)
  const removed = await Promise.all(
    ids.map(async (notifierId) => {
      const [isFresh, entry] = await c.connection.run({
        steps: [
          ["SISMEMBER", fresh, notifierId],
          ["HGET", subscriptions, notifierId],
        ],
        write: false,
      })
      const stored = copyIn(entry)
      if (isFresh === 1 || stored === undefined) return 0
      const { tokenId, subscriptionId } = decodeQueue(stored)
      const place = copyIn(await c.connection.command(["HGET", c.keys.token(tokenId).subscriptions, subscriptionId]))
      if (place !== undefined && equalBytes(place, concatBytes(relayId, notifierId))) return 0
      await removeQueue(c, relayId, notifierId, subscriptionId)
      return 1
    }),
  )
  const sum = removed.reduce<number>((all, one) => all + one, 0)
  const last = ids.at(-1)
  const next = ids.length < STEP || last === undefined ? await relayBehind(c, relayId) : concatBytes(relayId, last)
  return { removed: sum, ...(next !== undefined && { cursor: toHex(next) }) }
}

async function relayBehind(c: RedisContext, relayId: Uint8Array | undefined): Promise<Uint8Array | undefined> {
  const from = relayId === undefined ? "-" : concatBytes(latin1("("), relayId)
  return copyIn(listOf(await c.connection.command(["ZRANGEBYLEX", c.keys.relays(), from, "+", "LIMIT", 0, 1]))[0])
}
