import { openRedis, type RedisComponents } from "@sluice/redis/connection"
import { numberOf } from "@sluice/redis/redis-command"
import { script } from "@sluice/redis/script"
import type { RedisConfig } from "@sluice/redis/settings"

const addUpTo = script({
  name: "add up to",
  keys: 1,
  lua: `
    if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
    return redis.call('INCR', KEYS[1])
  `,
})

/** Counts visitors until there are ten. */
export async function countVisitor(config: RedisConfig, components: RedisComponents): Promise<number> {
  await using redis = openRedis(config, components)
  redis.load([addUpTo])
  await redis.ready(5_000)
  const call = { script: addUpTo, keys: [`${redis.prefix}visitors`], args: [10] }
  const [count] = await redis.run({ steps: [call], write: true })
  return numberOf(count)
}
