import type { RedisConnection } from "@sluice/redis/connection"
import { listOf, numberOf, textOf } from "@sluice/redis/redis-command"

/** Key of the nodes' leases: a sorted set of names by the time of Redis' clock, in milliseconds, at which they end. */
export function leasesKey(prefix: string): string {
  return `${prefix}fleet:leases`
}

/** How many nodes hold a lease now. One that was stopped is gone at once, one that was killed when its lease ends. */
export async function liveNodes(redis: RedisConnection): Promise<number> {
  const [seconds] = listOf(await redis.command(["TIME"]))
  const now = Number(textOf(seconds)) * 1000
  return numberOf(await redis.command(["ZCOUNT", leasesKey(redis.prefix), now, "+inf"]))
}
