import type { StoreCounts } from "../queue-store.ts"
import { type RedisStoreOptions, redisContext } from "./redis-store.ts"

/**
 * Puts numbers that were counted one by one in the place of those that nodes gathered. Only while nobody else is at work on
 * the data: a node that was killed had not sent its last second of changes.
 */
export async function replaceRedisCounts(options: RedisStoreOptions, counts: StoreCounts): Promise<void> {
  await redisContext(options).counts.replace(counts)
}
