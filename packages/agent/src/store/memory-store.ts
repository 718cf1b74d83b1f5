import { fromLatin1, latin1 } from "@sluice/encoding/bytes"
import { type AgentStore, AgentStoreError } from "./agent-store.ts"
import type { Engine, RowChange } from "./engine.ts"
import { NO_SEAL, RecordStore } from "./record-store.ts"

/** A store that is gone with the process: for tests, and for agents that shall leave nothing behind. */
export function memoryStore(): AgentStore {
  return new RecordStore(new MemoryEngine(), NO_SEAL)
}

/** Rows in a map, and their keys as text in a sorted array. */
class MemoryEngine implements Engine {
  readonly #values = new Map<string, Uint8Array>()
  #sorted: string[] | undefined
  #closed = false

  commit(changes: readonly RowChange[]): Promise<void> {
    if (this.#closed) return Promise.reject(new AgentStoreError({ code: "CLOSED" }))
    for (const change of changes) this.#apply(change)
    return Promise.resolve()
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#closed) throw new AgentStoreError({ code: "CLOSED" })
    return this.#values.get(fromLatin1(key))
  }

  *range(from: Uint8Array, to: Uint8Array, limit: number): Iterable<{ key: Uint8Array; value: Uint8Array }> {
    if (this.#closed) throw new AgentStoreError({ code: "CLOSED" })
    this.#sorted ??= [...this.#values.keys()].sort()
    const keys = this.#sorted
    const end = fromLatin1(to)
    let left = limit
    for (let at = lowerBound(keys, fromLatin1(from)); left > 0; at++, left--) {
      const key = keys[at]
      if (key === undefined || key >= end) return
      const value = this.#values.get(key)
      if (value !== undefined) yield { key: latin1(key), value }
    }
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  #apply(change: RowChange): void {
    if ("prefix" in change) {
      const prefix = fromLatin1(change.prefix)
      for (const key of this.#values.keys()) if (key.startsWith(prefix)) this.#values.delete(key)
      this.#sorted = undefined
      return
    }
    const key = fromLatin1(change.key)
    const known = this.#values.has(key)
    if (change.value === undefined) this.#values.delete(key)
    // A copy: the bytes may be a view on a buffer that somebody goes on using.
    else this.#values.set(key, change.value.slice())
    if (known !== (change.value !== undefined)) this.#moved(key, known)
  }

  /** Keeps the sorted keys right for one key that came or went, while there are any. */
  #moved(key: string, removed: boolean): void {
    if (this.#sorted === undefined) return
    const at = lowerBound(this.#sorted, key)
    this.#sorted.splice(at, removed ? 1 : 0, ...(removed ? [] : [key]))
  }
}

/** Where the first key is that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] ?? "") < key) low = middle + 1
    else high = middle
  }
  return low
}
