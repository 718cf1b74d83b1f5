import { open, type RootDatabase } from "lmdb"
import { AgentStoreError } from "./agent-store.ts"
import type { Engine, RowChange } from "./engine.ts"
import { afterPrefix } from "./engine.ts"
import type { Unlock } from "./folder-lock.ts"

/** LMDB without any encoding of its own. */
export type Root = RootDatabase<Uint8Array, Uint8Array>

/** Address space for the file, 16 GiB; no memory. It grows by itself beyond that. */
const MAP_SIZE = 2 ** 34

/** Opens the environment in an existing folder, or makes it. */
export function openRoot(folder: string): Root {
  return open({
    path: folder,
    noSubdir: false,
    mapSize: MAP_SIZE,
    keyEncoding: "binary",
    encoding: "binary",
    // The promise of a transaction then means that it is on the disk.
    overlappingSync: false,
    // We make the groups ourselves: with lmdb's own batching nobody can handle a failed commit.
    eventTurnBatching: false,
    permissionsMode: 0o600,
  } as Parameters<typeof open<Uint8Array, Uint8Array>>[0])
}

interface Waiting {
  readonly changes: readonly RowChange[]
  readonly resolve: () => void
  readonly reject: (error: AgentStoreError) => void
}

/** Rows in LMDB. All commits that were started while one is written make the next one together. */
export class LmdbEngine implements Engine {
  readonly #root: Root
  readonly #unlock: Unlock
  #waiting: Waiting[] = []
  #busy: Promise<void> | undefined
  #closed = false

  /** `unlock` is called when everything is closed. */
  constructor(root: Root, unlock: Unlock) {
    this.#root = root
    this.#unlock = unlock
  }

  commit(changes: readonly RowChange[]): Promise<void> {
    if (this.#closed) return Promise.reject(new AgentStoreError({ code: "CLOSED" }))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject })
      this.#busy ??= this.#work()
    })
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#check()
    return this.#root.getBinary(key)
  }

  *range(from: Uint8Array, to: Uint8Array, limit: number): Iterable<{ key: Uint8Array; value: Uint8Array }> {
    this.#check()
    const bound = Number.isFinite(limit) ? { limit } : {}
    for (const { key, value } of this.#root.getRange({ start: from, end: to, ...bound })) yield { key, value }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#busy
    await this.#root.close()
    await this.#unlock()
  }

  #check(): void {
    if (this.#closed) throw new AgentStoreError({ code: "CLOSED" })
  }

  /** Commits group after group until nothing waits. Never rejects. */
  async #work(): Promise<void> {
    // Lets everything that is started in this turn of the event loop join the first group.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#root.childTransaction(() => {
          for (const { changes } of group) for (const change of changes) this.#apply(change)
        })
        this.#root.resetReadTxn()
        for (const { resolve } of group) resolve()
      } catch (cause) {
        const error = new AgentStoreError({ code: "FAILED" }, { cause })
        for (const { reject } of group) reject(error)
      }
    }
    this.#busy = undefined
  }

  #apply(change: RowChange): void {
    if ("prefix" in change) {
      const { prefix } = change
      for (const key of [...this.#root.getKeys({ start: prefix, end: afterPrefix(prefix) })]) this.#root.removeSync(key)
    } else if (change.value === undefined) this.#root.removeSync(change.key)
    else this.#root.putSync(change.key, change.value)
  }
}
