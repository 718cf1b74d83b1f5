import { fromLatin1 } from "@sluice/encoding/bytes"
import { copyOf } from "../codec/copy.ts"
import type { Range, Table } from "../tables.ts"
import { SortedKeys } from "./sorted-keys.ts"

/** What a change replaced, so that it can be undone. */
export interface Undo {
  undo(): void
}

/** How the values of a table are kept. */
export interface Packing<V> {
  pack(value: Uint8Array): V
  unpack(packed: V): Uint8Array
}

/** Small values as one-byte strings: a string of 130 characters takes 144 bytes, an array of its own some 400. */
export const TEXT: Packing<string> = {
  pack: fromLatin1,
  unpack: bytesOf,
}

/** Bodies as arrays of exactly their size, never as views that hold a receive buffer alive. */
export const BYTES: Packing<Uint8Array> = {
  pack: (value) => new Uint8Array(value),
  unpack: (value) => value,
}

/** A table in memory. Every change is noted in `undo` before it is made. */
export class MemoryTable<V> implements Table {
  readonly #values = new Map<string, V>()
  readonly #sorted: SortedKeys | undefined
  readonly #packing: Packing<V>
  readonly #undo: Undo[]

  /** Tables that are never listed need no sorted keys. */
  constructor(packing: Packing<V>, listed: boolean, undo: Undo[]) {
    this.#packing = packing
    this.#sorted = listed ? new SortedKeys() : undefined
    this.#undo = undo
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const packed = this.#values.get(fromLatin1(key))
    return packed === undefined ? undefined : this.#packing.unpack(packed)
  }

  has(key: Uint8Array): boolean {
    return this.#values.has(fromLatin1(key))
  }

  put(key: Uint8Array, value: Uint8Array): void {
    const name = fromLatin1(key)
    this.#note(name)
    this.#set(name, this.#packing.pack(value))
  }

  remove(key: Uint8Array): void {
    const name = fromLatin1(key)
    this.#note(name)
    this.#delete(name)
  }

  keys(range: Range): Uint8Array[] {
    const keys: Uint8Array[] = []
    if (this.#sorted === undefined || range.limit < 1) return keys
    const prefix = fromLatin1(range.prefix ?? new Uint8Array(0))
    const after = range.after === undefined ? undefined : fromLatin1(range.after)
    for (const key of this.#sorted.from(after ?? prefix)) {
      if (!key.startsWith(prefix)) break
      if (key === after) continue
      keys.push(copyOf(bytesOf(key)))
      if (keys.length >= range.limit) break
    }
    return keys
  }

  #note(key: string): void {
    const before = this.#values.get(key)
    this.#undo.push({ undo: () => (before === undefined ? this.#delete(key) : this.#set(key, before)) })
  }

  #set(key: string, value: V): void {
    if (this.#sorted !== undefined && !this.#values.has(key)) this.#sorted.add(key)
    this.#values.set(key, value)
  }

  #delete(key: string): void {
    if (this.#values.delete(key)) this.#sorted?.remove(key)
  }
}

/** A plain view on the bytes: a `Buffer` must not leave this file, because its `slice` does not copy. */
function bytesOf(text: string): Uint8Array {
  const bytes = Buffer.from(text, "latin1")
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
