import type { RedisConnection } from "@sluice/redis/connection"
import { listOf, textOf } from "@sluice/redis/redis-command"

/** Named tables of texts that all nodes of a fleet read and write. */
export interface SharedHashes {
  set(hash: string, field: string, value: string): Promise<void>
  all(hash: string): Promise<ReadonlyMap<string, string>>
  remove(hash: string, fields: readonly string[]): Promise<void>
}

/** Such tables in Redis, in one slot of a Cluster: `<prefix>{statistics}:<hash>`. */
export function redisHashes(redis: Pick<RedisConnection, "prefix" | "run" | "command">): SharedHashes {
  const key = (hash: string): string => `${redis.prefix}{statistics}:${hash}`
  return {
    async set(hash, field, value) {
      await redis.run({ steps: [["HSET", key(hash), field, value]], write: true })
    },
    async all(hash) {
      const texts = listOf(await redis.command(["HGETALL", key(hash)])).map(textOf)
      const entries = new Map<string, string>()
      for (let i = 0; i + 1 < texts.length; i += 2) entries.set(texts[i] ?? "", texts[i + 1] ?? "")
      return entries
    },
    async remove(hash, fields) {
      if (fields.length > 0) await redis.run({ steps: [["HDEL", key(hash), ...fields]], write: true })
    },
  }
}
