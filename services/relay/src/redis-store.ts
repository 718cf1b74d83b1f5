import type { CryptoBackend } from "@sluice/crypto/backend"
import { liveNodes } from "@sluice/fleet/redis-leases"
import type { Clock } from "@sluice/ops/clock"
import type { Job } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import { OperatorError } from "@sluice/ops/operator-error"
import { SchemaError } from "@sluice/ops/schema"
import { refuseUnfinished } from "@sluice/queue-store/redis/migration-marker"
import { prepareRedisSchema } from "@sluice/queue-store/redis/redis-schema"
import { openRedisStore } from "@sluice/queue-store/redis/redis-store"
import { type SweepOptions, type Swept, sweepRedis } from "@sluice/queue-store/redis/sweep"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import { type DurabilityWatch, watchDurability } from "@sluice/redis/durability-watch"
import { RedisError } from "@sluice/redis/redis-error"
import { refusalOf } from "@sluice/redis/refusal"
import type { RedisConfig } from "@sluice/redis/settings"
import type { OpenStore } from "./open-store.ts"

const SWEEP_EVERY = 3_600_000
/** Entries that one step of the sweep looks at. */
const SWEEP_STEP = 500

export interface SharedStoreParts {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly log: Log
  /** Folder that files of the configuration are relative to. */
  readonly folder: string
  /** Queues whose record is kept in memory. */
  readonly rememberedQueues?: number
}

/**
 * Connects to Redis, says what is wrong with its configuration, and makes sure that the data is of a version that this
 * program can work on. Throws `OperatorError` otherwise, and when Redis can not be reached in the time of two attempts:
 * what is lost later comes back by itself.
 */
export async function connectToStore(config: RedisConfig, parts: SharedStoreParts): Promise<RedisConnection> {
  const { redis } = await connect(config, parts)
  return redis
}

async function connect(
  config: RedisConfig,
  parts: SharedStoreParts,
): Promise<{ readonly redis: RedisConnection; readonly durability: DurabilityWatch }> {
  const { crypto, clock, log } = parts
  const redis = openRedis(config, parts)
  try {
    await redis.ready(2 * config.connectTimeout)
    const durability = await watchDurability(redis, { clock, log })
    await prepareRedisSchema({
      ...{ connection: redis, crypto, clock },
      nodes: () => liveNodes(redis),
      onStep: (what) => log.info(`changing the data to ${what}`),
    })
    return { redis, durability }
  } catch (error) {
    await redis.close()
    throw refusal(error)
  }
}

/** Opens the store in Redis, as {@link connectToStore} says; it is whole. */
export async function openSharedStore(config: RedisConfig, parts: SharedStoreParts): Promise<OpenStore> {
  const { crypto, clock, rememberedQueues } = parts
  const { redis, durability } = await connect(config, parts)
  try {
    await refuseUnfinished(redis)
  } catch (error) {
    await redis.close()
    throw refusal(error)
  }
  const store = openRedisStore({
    ...{ connection: redis, crypto, clock },
    ...(rememberedQueues !== undefined && { rememberedQueues }),
  })
  const close = async (): Promise<void> => {
    await store.close()
    await redis.close()
  }
  return {
    store: { ...store, close, [Symbol.asyncDispose]: close },
    redis,
    durability,
    remembering: store.figures,
    shared: true,
    jobs: [sweepJob({ connection: redis, crypto, clock })],
  }
}

/** Repairs what interrupted changes have left; nothing waits for it. */
function sweepJob(options: Pick<SweepOptions, "connection" | "crypto" | "clock">): Job {
  return {
    name: "sweep-redis",
    scope: "fleet",
    every: SWEEP_EVERY,
    run: async (signal) => {
      let swept: Swept = { repaired: 0 }
      do {
        signal.throwIfAborted()
        swept = await sweepRedis({ ...options, limit: SWEEP_STEP, signal, ...cursorOf(swept) })
      } while (swept.cursor !== undefined)
    },
  }
}

function cursorOf({ cursor }: Swept): Pick<Swept, "cursor"> {
  return cursor === undefined ? {} : { cursor }
}

function refusal(error: unknown): unknown {
  if (error instanceof SchemaError) {
    return new OperatorError(`redis.prefix: ${error.message}`, { cause: error })
  }
  return error instanceof RedisError ? refusalOf(error) : error
}
