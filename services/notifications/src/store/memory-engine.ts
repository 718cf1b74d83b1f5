import { fromLatin1, latin1 } from "@sluice/encoding/bytes"
import { StoreError } from "./store-error.ts"
import { type Engine, type KeyRange, TABLE_NAMES, type Table, type TableName, type Tables } from "./tables.ts"

/** Tables in memory: for tests and for trying things out. Nothing survives the process. */
export function memoryEngine(): Engine {
  const undo: (() => void)[] = []
  const entries = TABLE_NAMES.map((name): [TableName, Table] => [name, new MemoryTable(undo)])
  // `fromEntries` forgets which names there were
  const tables = Object.fromEntries(entries) as Tables
  let closed = false
  return {
    tables,
    change(operation, run) {
      if (closed) return Promise.reject(new StoreError("CLOSED", operation))
      try {
        return Promise.resolve(run())
      } catch (cause) {
        for (const step of undo.reverse()) step()
        return Promise.reject(new StoreError("UNAVAILABLE", operation, { cause }))
      } finally {
        undo.length = 0
      }
    },
    read(operation, run) {
      if (closed) return Promise.reject(new StoreError("CLOSED", operation))
      try {
        return Promise.resolve(run())
      } catch (cause) {
        return Promise.reject(new StoreError("CORRUPT", operation, { cause }))
      }
    },
    close() {
      closed = true
      return Promise.resolve()
    },
  }
}

class MemoryTable implements Table {
  readonly #values = new Map<string, Uint8Array>()
  readonly #undo: (() => void)[]
  /** Keys in order; made when they are asked for, and again after a key came or went. */
  #sorted: string[] | undefined

  constructor(undo: (() => void)[]) {
    this.#undo = undo
  }

  get size(): number {
    return this.#values.size
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(fromLatin1(key))
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#set(fromLatin1(key), value.slice())
  }

  remove(key: Uint8Array): void {
    this.#set(fromLatin1(key), undefined)
  }

  keys({ prefix, after, limit }: KeyRange): Uint8Array[] {
    this.#sorted ??= [...this.#values.keys()].sort()
    const start = prefix === undefined ? "" : fromLatin1(prefix)
    const behind = after === undefined ? undefined : fromLatin1(after)
    const keys: Uint8Array[] = []
    for (let at = position(this.#sorted, behind ?? start); at < this.#sorted.length && keys.length < limit; at++) {
      const key = this.#sorted[at] as string
      if (!key.startsWith(start)) break
      if (key !== behind) keys.push(latin1(key))
    }
    return keys
  }

  #set(key: string, value: Uint8Array | undefined): void {
    const before = this.#values.get(key)
    this.#undo.push(() => this.#write(key, before))
    this.#write(key, value)
  }

  #write(key: string, value: Uint8Array | undefined): void {
    if ((value === undefined) === this.#values.has(key)) this.#sorted = undefined
    if (value === undefined) this.#values.delete(key)
    else this.#values.set(key, value)
  }
}

/** Index of the first key that is not smaller. */
function position(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}
