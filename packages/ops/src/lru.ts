/**
 * A map with at most `capacity` entries; storing one more drops the entry that was not used for the longest time.
 * `get` and `set` count as use, `peek` and iteration do not. All operations take constant time.
 */
export class Lru<K, V> {
  // A Map iterates in order of insertion, so the least recently used entry is the first as long as use re-inserts.
  readonly #entries = new Map<K, V>()
  readonly #onEvict: ((key: K, value: V) => void) | undefined
  readonly capacity: number

  /**
   * @param capacity at least 1
   * @param onEvict called for entries dropped for lack of room, not for deleted or replaced ones
   */
  constructor(capacity: number, onEvict?: (key: K, value: V) => void) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError("capacity must be a positive whole number")
    this.capacity = capacity
    this.#onEvict = onEvict
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined && !this.#entries.has(key)) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value as V)
    return value
  }

  peek(key: K): V | undefined {
    return this.#entries.get(key)
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  set(key: K, value: V): void {
    if (!this.#entries.delete(key) && this.#entries.size >= this.capacity) this.#evict()
    this.#entries.set(key, value)
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  /** Entries from the least to the most recently used. */
  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries()
  }

  #evict(): void {
    const oldest = this.#entries.entries().next().value
    if (oldest === undefined) return
    this.#entries.delete(oldest[0])
    this.#onEvict?.(oldest[0], oldest[1])
  }
}
