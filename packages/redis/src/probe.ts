import type { RedisConnection } from "./connection.ts"
import { RedisError } from "./redis-error.ts"
import { type Script, script } from "./script.ts"

/**
 * Writes one small key. A server without memory takes it: it has something to do nevertheless, and what it has to do makes
 * room. A replica, a primary without its replicas, and one that can not write to its disk refuse it as they do any change.
 * Keys: one that is for nothing else.
 */
export const PROBE: Script = script({
  name: "probe",
  keys: 1,
  withoutMemory: true,
  lua: "return redis.call('SET', KEYS[1], '1')",
})

/** Whether changes are taken, and all servers there; rejects with a {@link RedisError} when not. */
export async function probe(connection: Pick<RedisConnection, "isUp" | "run">, key: string): Promise<void> {
  if (!connection.isUp) throw new RedisError({ code: "REDIS_UNAVAILABLE" })
  await connection.run({ steps: [{ script: PROBE, keys: [key], args: [] }], write: true })
}
