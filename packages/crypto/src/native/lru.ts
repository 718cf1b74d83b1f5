/**
 * A map that keeps the entries used last. A `Map` iterates in insertion order, so moving an entry to the end on each
 * use leaves the oldest one first.
 */
export class Lru<V> {
  readonly #entries = new Map<string, V>()
  readonly #capacity: number

  /** `capacity`: how many entries are kept at most, 1 or more. */
  constructor(capacity: number) {
    if (!(capacity >= 1)) throw new RangeError("Lru: capacity must be at least 1")
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  /** The value under `key`, if it is kept. Counts as a use. */
  find(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  /** The value under `key`, made and kept on first use. What `make` throws is passed on and nothing is kept. */
  get(key: string, make: () => V): V {
    let value = this.#entries.get(key)
    if (value !== undefined) {
      this.#entries.delete(key)
    } else {
      value = make()
      if (this.#entries.size >= this.#capacity) this.#dropOldest()
    }
    this.#entries.set(key, value)
    return value
  }

  #dropOldest(): void {
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }
}
