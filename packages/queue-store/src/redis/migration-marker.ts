import { OperatorError } from "@sluice/ops/operator-error"
import type { RedisConnection } from "@sluice/redis/connection"
import { textOf } from "@sluice/redis/redis-command"
import { RedisKeys } from "./keys.ts"
import { redisHasData } from "./redis-schema.ts"
import { redisContext } from "./redis-store.ts"

/**
 * While a store is copied into Redis, a key beside it names the migration: nobody may serve a store of which a part is
 * missing, and nobody may copy another one into it.
 */

/** The migration into this store that was begun and not finished, if any. */
export async function unfinishedMigration(connection: RedisConnection): Promise<string | undefined> {
  const name = await connection.command(["GET", markerKey(connection)])
  return name instanceof Uint8Array ? textOf(name) : undefined
}

/** Throws `OperatorError` if the store is only a part of one. */
export async function refuseUnfinished(connection: RedisConnection): Promise<void> {
  if ((await unfinishedMigration(connection)) === undefined) return
  throw new OperatorError(
    "redis.prefix: a migration into this store was not finished; allowed: a store that is whole: run `sluice migrate-store --to redis` again",
  )
}

/** Begins a migration into an empty store, or goes on with this one. Throws `OperatorError` for any other store. */
export async function beginMigration(connection: RedisConnection, name: string): Promise<void> {
  const present = await unfinishedMigration(connection)
  if (present === name) return
  if (present !== undefined || (await redisHasData(redisContext({ connection })))) {
    throw new OperatorError("redis.prefix: there is a store already; allowed: a prefix with nothing below it")
  }
  await connection.run({ steps: [["SET", markerKey(connection), name]], write: true })
}

/** The store is whole. */
export async function endMigration(connection: RedisConnection): Promise<void> {
  await connection.run({ steps: [["DEL", markerKey(connection)]], write: true })
}

function markerKey({ prefix }: RedisConnection): string {
  return new RedisKeys(prefix).migration()
}
