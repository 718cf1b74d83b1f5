import { randomInt } from "node:crypto"

/** Bytes of the IDs that an index holds. */
export const ID_LENGTH = 24

const FREE = 0

/**
 * Numbers IDs of 24 bytes from 0 in the order in which they are added, and finds them again: an open hash table of some
 * 32 bytes an ID. A `Map` with texts as keys takes three times that, and takes no more than 16 million of them.
 */
export class IdIndex {
  /** The IDs, one after the other. */
  #ids: Uint8Array = new Uint8Array(1024 * ID_LENGTH)
  /** Number of the ID plus 1 by hash; 0 is a free slot. At most two thirds are in use. */
  #slots: Uint32Array = new Uint32Array(2048)
  #size = 0
  /** Clients choose some IDs: they must not be able to choose the slot. */
  readonly #seed: number = randomInt(2 ** 32)

  get size(): number {
    return this.#size
  }

  /** Number of the ID, or `undefined`. Other lengths are never found. */
  find(id: Uint8Array): number | undefined {
    if (id.length !== ID_LENGTH) return undefined
    const found = this.#slots[this.#slotOf(id)] as number
    return found === FREE ? undefined : found - 1
  }

  /** Number of the ID, which is added if it is new. Throws `RangeError` for another length. */
  add(id: Uint8Array): number {
    if (id.length !== ID_LENGTH) throw new RangeError("an ID of 24 bytes is needed")
    const slot = this.#slotOf(id)
    const found = this.#slots[slot] as number
    if (found !== FREE) return found - 1
    if ((this.#size + 1) * ID_LENGTH > this.#ids.length) this.#ids = doubled(this.#ids)
    this.#ids.set(id, this.#size * ID_LENGTH)
    this.#slots[slot] = ++this.#size
    if (this.#size * 3 > this.#slots.length * 2) this.#rehash()
    return this.#size - 1
  }

  /** The ID of a number; a view. */
  at(number: number): Uint8Array {
    return this.#ids.subarray(number * ID_LENGTH, (number + 1) * ID_LENGTH)
  }

  /** The slot that holds the ID, or the free one where it belongs. */
  #slotOf(id: Uint8Array): number {
    const mask = this.#slots.length - 1
    for (let slot = this.#hash(id) & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot] as number
      if (found === FREE || this.#holds(found - 1, id)) return slot
    }
  }

  #holds(number: number, id: Uint8Array): boolean {
    const start = number * ID_LENGTH
    for (let i = 0; i < ID_LENGTH; i++) if (this.#ids[start + i] !== id[i]) return false
    return true
  }

  #hash(id: Uint8Array): number {
    let hash = this.#seed
    for (let i = 0; i < ID_LENGTH; i++) {
      hash = Math.imul(hash ^ (id[i] as number), 0x01000193)
      hash ^= hash >>> 15
    }
    return hash >>> 0
  }

  #rehash(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2)
    for (let number = 0; number < this.#size; number++) this.#slots[this.#slotOf(this.at(number))] = number + 1
  }
}

function doubled(bytes: Uint8Array): Uint8Array {
  const grown = new Uint8Array(bytes.length * 2)
  grown.set(bytes)
  return grown
}
