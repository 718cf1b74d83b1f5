import { mkdir } from "node:fs/promises"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { LocalOwnership } from "../local-ownership.ts"
import type { QueueStore } from "../queue-store.ts"
import { storeOn } from "../store.ts"
import { Environment } from "./environment.ts"
import type { StoreFigures } from "./figures.ts"
import { GroupCommit } from "./group-commit.ts"
import { toStoreError } from "./lmdb-errors.ts"

export interface LmdbStoreOptions {
  /** Folder of the store's files; made, readable only for the owner, when it is not there. */
  readonly folder: string
  /**
   * Whether a commit waits for the disk. `false` survives a killed process but not a failing machine, and even its file
   * may then be damaged. Default `true`.
   */
  readonly sync?: boolean
  /** Changes that are committed together at the most; bounds the time that one group blocks the event loop. Default 1024. */
  readonly groupLimit?: number
  /**
   * Bytes of a page of a new store, a power of two from 4096 to 65536; a store that is there keeps its own. Default 16384,
   * in which a body takes one page; the README tells what others cost.
   */
  readonly pageSize?: number
  readonly crypto?: CryptoBackend
}

/** The embedded store: one LMDB environment, many readers, group commit. */
export interface LmdbStore extends QueueStore {
  /** Counts of commits and their durations; the same object all the time. */
  readonly figures: StoreFigures
  /** Subscriptions that live in this process. */
  readonly subscriptions: number
  /**
   * Writes a consistent copy of the store into a new folder while it serves; opening that folder is the restore. The copy
   * appears at once when it is complete. Pages that are freed meanwhile are not reused before the copy is done.
   */
  snapshot(folder: string): Promise<void>
  /**
   * Gives back what the system counts as memory of this process only because its file was read: all pages touched so far
   * are mapped until then. Takes some milliseconds between two commits; does nothing while a snapshot is written.
   */
  trim(): Promise<void>
}

/**
 * Opens the store of a folder, or makes a new one. Reads a handful of pages, however many queues are stored. Rejects with
 * `StoreError`: STORE_CORRUPT for files that are damaged, foreign or of a newer version, with the reason as its cause.
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<LmdbStore> {
  const { folder, sync = true, groupLimit = 1024, pageSize = 16_384, crypto = nativeCrypto } = options
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const environment = await Environment.open(folder, { sync, pageSize })
    const ownership = new LocalOwnership()
    const engine = new GroupCommit(environment, ownership, Math.max(1, groupLimit))
    return {
      ...storeOn(engine, { crypto, ownership }),
      figures: engine.figures,
      get subscriptions() {
        return ownership.size
      },
      snapshot: (target) => engine.hold("snapshot", () => environment.snapshot(target)),
      trim: () => engine.trim(),
    }
  } catch (cause) {
    throw toStoreError(cause, "open")
  }
}
