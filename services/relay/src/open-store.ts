import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { OperatorError } from "@sluice/ops/operator-error"
import { type LmdbStore, openLmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { StoreError } from "@sluice/queue-store/store-error"
import type { RelayConfig } from "./config.ts"

/** The store that the configuration names; `lmdb` is given when it is the embedded one. */
export interface OpenStore {
  readonly store: QueueStore
  readonly lmdb?: LmdbStore
  /** Other processes have it open, too. */
  readonly shared?: boolean
}

/**
 * Opens the configured store. `shared`: other processes of this machine open it, too. Throws `OperatorError` for files that
 * can't be used.
 */
export async function openStore(
  config: RelayConfig,
  dataFolder: string,
  crypto: CryptoBackend,
  shared = false,
): Promise<OpenStore> {
  if (config.store.kind === "memory") return { store: createMemoryStore({ crypto }) }
  const folder = join(dataFolder, config.store.path)
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
