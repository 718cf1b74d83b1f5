import { mkdir } from "node:fs/promises"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import type { BlobHolder } from "../blob-store.ts"
import { LocalOwnership } from "../local-ownership.ts"
import type { QueueStore, Step } from "../queue-store.ts"
import { storeOn } from "../store.ts"
import { Environment } from "./environment.ts"
import type { StoreFigures } from "./figures.ts"
import { GroupCommit } from "./group-commit.ts"
import { toStoreError } from "./lmdb-errors.ts"
import { SharedOwnership } from "./shared-ownership.ts"

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
  /**
   * Other processes have the store open, too: subscriptions are kept in it, and look-ups see what others committed. All
   * processes must say so. Default `false`.
   */
  readonly shared?: boolean
  readonly crypto?: CryptoBackend
}

/** The embedded store: one LMDB environment, many readers, group commit. */
export interface LmdbStore extends QueueStore, BlobHolder {
  /** Counts of commits and their durations; the same object all the time. */
  readonly figures: StoreFigures
  /** Subscriptions that live in this process; of a shared store those of all, dead ones included until they are swept. */
  readonly subscriptions: number
  /**
   * Ends the subscriptions of processes that have died, at once, and removes what is left of them in bounded steps. Does
   * nothing when the store is not shared.
   */
  sweepSubscriptions(options: { readonly limit: number } & Step): Promise<Step & { readonly removed: number }>
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
  const { folder, sync = true, groupLimit = 1024, pageSize = 16_384, crypto = nativeCrypto, shared = false } = options
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const environment = await Environment.open(folder, { sync, pageSize })
    const parts = { environment, groupLimit: Math.max(1, groupLimit), crypto }
    return shared ? await sharedStore(parts) : localStore(parts)
  } catch (cause) {
    throw toStoreError(cause, "open")
  }
}

interface Parts {
  readonly environment: Environment
  readonly groupLimit: number
  readonly crypto: CryptoBackend
}

function localStore({ environment, groupLimit, crypto }: Parts): LmdbStore {
  const ownership = new LocalOwnership()
  const engine = new GroupCommit(environment, ownership, groupLimit)
  return {
    ...storeOn(engine, { crypto, ownership }),
    ...additions(environment, engine),
    get subscriptions() {
      return ownership.size
    },
    sweepSubscriptions: () => Promise.resolve({ removed: 0 }),
  }
}

async function sharedStore({ environment, groupLimit, crypto }: Parts): Promise<LmdbStore> {
  const { tables } = environment
  const ownership = new SharedOwnership(tables)
  const engine = new GroupCommit(environment, ownership, groupLimit, true)
  const forgetDead = async (): Promise<void> => {
    const dead = await engine.read("forget", () => {
      // What a process was reading when it was killed would be kept for it: the file would grow and grow.
      tables.root.readerCheck()
      return ownership.deadNodes()
    })
    if (dead.length > 0) await engine.change("forget", () => ownership.forget(dead))
  }
  const close = (): Promise<void> => {
    // The last change before the end. Where it fails, others find out that this process is gone; a second time it has to.
    engine.change("close", () => ownership.leave()).catch(() => undefined)
    return engine.close()
  }
  await forgetDead()
  return {
    ...storeOn(engine, { crypto, ownership }),
    ...additions(environment, engine),
    get subscriptions() {
      return tables.owners.size
    },
    async sweepSubscriptions(options) {
      if (options.cursor === undefined) await forgetDead()
      return engine.change("sweepSubscriptions", () => ownership.sweep(options))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function additions(environment: Environment, engine: GroupCommit): Pick<LmdbStore, "figures" | "snapshot" | "trim"> {
  return {
    figures: engine.figures,
    snapshot: (target) => engine.hold("snapshot", () => environment.snapshot(target)),
    trim: () => engine.trim(),
  }
}
