import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import type { BlobHolder } from "../blob-store.ts"
import type { Engine } from "../engine.ts"
import { LocalOwnership } from "../local-ownership.ts"
import type { QueueStore } from "../queue-store.ts"
import { storeOn } from "../store.ts"
import { StoreError, type StoreProblem } from "../store-error.ts"
import { noCounters, type Tables } from "../tables.ts"
import { BYTES, MemoryTable, TEXT, type Undo } from "./memory-table.ts"

/**
 * A store that keeps everything in the memory of this process and loses it with it: for tests, demonstrations and relays
 * that want it so. Operations take effect at once, and settle in the next microtask.
 */
export function createMemoryStore(options: { readonly crypto?: CryptoBackend } = {}): QueueStore & BlobHolder {
  const ownership = new LocalOwnership()
  return storeOn(new MemoryEngine(ownership), { crypto: options.crypto ?? nativeCrypto, ownership })
}

class MemoryEngine implements Engine {
  readonly tables: Tables
  readonly #undo: Undo[] = []
  readonly #ownership: LocalOwnership
  #closed = false

  constructor(ownership: LocalOwnership) {
    this.#ownership = ownership
    const listed = () => new MemoryTable(TEXT, true, this.#undo)
    const index = () => new MemoryTable(TEXT, false, this.#undo)
    this.tables = {
      queues: listed(),
      senders: index(),
      notifiers: index(),
      links: index(),
      linkData: listed(),
      messages: listed(),
      bodies: new MemoryTable(BYTES, false, this.#undo),
      notifications: listed(),
      services: listed(),
      fingerprints: index(),
      serviceQueues: listed(),
      serviceTotals: index(),
      blobs: listed(),
      counters: noCounters(),
    }
  }

  change<T>(operation: string, run: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError({ code: "STORE_CLOSED", operation }))
    const counters = { ...this.tables.counters }
    this.#ownership.begin()
    try {
      const result = run()
      this.#ownership.commit()
      return Promise.resolve(result)
    } catch (cause) {
      for (const change of this.#undo.reverse()) change.undo()
      Object.assign(this.tables.counters, counters)
      this.#ownership.abort()
      return Promise.reject(failure(operation, cause))
    } finally {
      this.#undo.length = 0
    }
  }

  grow<T>(operation: string, run: () => T): Promise<T> {
    return this.change(operation, run)
  }

  read<T>(operation: string, run: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError({ code: "STORE_CLOSED", operation }))
    try {
      return Promise.resolve(run())
    } catch (cause) {
      return Promise.reject(failure(operation, cause))
    }
  }

  probe(): Promise<void> {
    return this.read("check", () => undefined)
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }
}

/** Memory does not fail; what an operation throws is a mistake in its arguments. */
function failure(operation: string, cause: unknown): StoreError {
  const problem: StoreProblem = { code: "STORE_UNAVAILABLE", operation }
  return new StoreError(problem, { cause })
}
