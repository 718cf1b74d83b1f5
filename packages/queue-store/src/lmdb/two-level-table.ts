import type { Range, Table } from "../tables.ts"

/** A table that knows how many entries it has. */
export interface CountedTable extends Table {
  readonly size: number
}

/** Recent entries that may stay, and how many more than necessary are moved. They fill some ten pages. */
const LIMITS = { most: 1024, moved: 256 } as const

/**
 * A table whose recent entries are kept apart. Entries of most queues come and go within moments, and each change writes
 * the page of its key anew: among hundred thousand other keys a page for every change, among few it is the same page for
 * all of them. A key is in one of the two levels at the most; new ones begin in the small one, from which those that
 * stay are moved into the large one, many at a time.
 */
export class TwoLevelTable implements Table {
  readonly #recent: CountedTable
  readonly #settled: Table
  readonly #limits: { readonly most: number; readonly moved: number }

  constructor(recent: CountedTable, settled: Table, limits: { most: number; moved: number } = LIMITS) {
    this.#recent = recent
    this.#settled = settled
    this.#limits = limits
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#recent.get(key) ?? this.#settled.get(key)
  }

  has(key: Uint8Array): boolean {
    return this.#recent.has(key) || this.#settled.has(key)
  }

  put(key: Uint8Array, value: Uint8Array): void {
    if (this.#settled.has(key)) this.#settled.put(key, value)
    else this.#recent.put(key, value)
  }

  remove(key: Uint8Array): void {
    if (this.#recent.has(key)) this.#recent.remove(key)
    else this.#settled.remove(key)
  }

  keys(range: Range): Uint8Array[] {
    const recent = this.#recent.keys(range)
    const settled = this.#settled.keys(range)
    if (recent.length === 0) return settled
    return [...recent, ...settled].sort(Buffer.compare).slice(0, range.limit)
  }

  /** Moves what is too much, and some more. To be called inside of a transaction that may need more room. */
  settle(): void {
    const { most, moved } = this.#limits
    const surplus = this.#recent.size - most
    if (surplus <= 0) return
    for (const key of this.#recent.keys({ limit: surplus + moved })) {
      const value = this.#recent.get(key)
      if (value === undefined) continue
      // Copied by `put` before the table is used again.
      this.#settled.put(key, value)
      this.#recent.remove(key)
    }
  }
}
