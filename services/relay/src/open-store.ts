import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { type Clock, systemClock } from "@sluice/ops/clock"
import type { Job } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import { OperatorError } from "@sluice/ops/operator-error"
import { type LmdbStore, openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { RememberingFigures } from "@sluice/queue-store/redis/remembered-queues"
import { StoreError } from "@sluice/queue-store/store-error"
import type { RedisConnection } from "@sluice/redis/connection"
import type { DurabilityWatch } from "@sluice/redis/durability-watch"
import type { RelayConfig } from "./config.ts"
import { openSharedStore } from "./redis-store.ts"

/** The store that the configuration names; `lmdb` is given when it is the embedded one. */
export interface OpenStore {
  readonly store: QueueStore
  readonly lmdb?: LmdbStore
  /** What the store in Redis is reached through; closed with the store. */
  readonly redis?: RedisConnection
  /** What is known of the configuration of Redis. */
  readonly durability?: Pick<DurabilityWatch, "kept">
  /** What look-ups from the memory of the store in Redis come to. */
  readonly remembering?: RememberingFigures
  /** Other processes have it open, too. */
  readonly shared?: boolean
  /** Periodic work that the store needs. */
  readonly jobs?: readonly Job[]
}

/** What opening needs beside the configuration. */
export interface OpenStoreParts {
  readonly crypto: CryptoBackend
  readonly log: Log
  readonly clock?: Clock
  /** Other processes of this machine open the embedded store, too. */
  readonly shared?: boolean
}

/** Opens the configured store. Throws `OperatorError` for files that can't be used, and for a Redis that can't be reached. */
export async function openStore(config: RelayConfig, dataFolder: string, parts: OpenStoreParts): Promise<OpenStore> {
  const { crypto, log, clock = systemClock, shared = false } = parts
  switch (config.store.kind) {
    case "memory":
      return { store: createMemoryStore({ crypto }) }
    case "lmdb":
      return openEmbeddedStore(join(dataFolder, config.store.path), crypto, shared)
    case "redis":
      return openSharedStore(config.redis, {
        ...{ crypto, clock, log: log.child("redis"), folder: dataFolder },
        rememberedQueues: config.store.rememberedQueues,
      })
    default:
      return config.store.kind satisfies never
  }
}

async function openEmbeddedStore(folder: string, crypto: CryptoBackend, shared: boolean): Promise<OpenStore> {
  try {
    const lmdb = await openLmdbStore({ folder, crypto, shared })
    return { store: lmdb, lmdb, shared }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    const why = error.cause instanceof Error ? error.cause.message : error.message
    throw new OperatorError(
      `store.path: ${folder} is not a store that can be opened (${why}); allowed: a folder of this relay's own`,
      {
        cause: error,
      },
    )
  }
}
