/** Keys per bucket at most; a full one is split in two. */
const BUCKET = 512

/**
 * An ordered set of strings (by code unit, so that latin1 text sorts as its bytes do). Sorted buckets of up to 512 keys:
 * adding and removing move half a bucket at the most, and 1,000,000 keys need some 16 MB beside the strings.
 */
export class SortedKeys {
  readonly #buckets: string[][] = [[]]

  /** Adds a key that is not there. */
  add(key: string): void {
    const at = this.#bucketOf(key)
    const bucket = this.#buckets[at] as string[]
    bucket.splice(position(bucket, key), 0, key)
    if (bucket.length > BUCKET) this.#buckets.splice(at + 1, 0, bucket.splice(BUCKET >> 1))
  }

  /** Removes a key that is there. */
  remove(key: string): void {
    const at = this.#bucketOf(key)
    const bucket = this.#buckets[at] as string[]
    bucket.splice(position(bucket, key), 1)
    if (bucket.length === 0 && this.#buckets.length > 1) this.#buckets.splice(at, 1)
  }

  /** Keys from `from` on, itself included. Nothing may be added or removed while it is read. */
  *from(from: string): Generator<string> {
    let at = this.#bucketOf(from)
    let start = position(this.#buckets[at] as string[], from)
    for (; at < this.#buckets.length; at++) {
      const bucket = this.#buckets[at] as string[]
      for (let i = start; i < bucket.length; i++) yield bucket[i] as string
      start = 0
    }
  }

  /** Index of the last bucket that begins at or before the key; the first for smaller keys. */
  #bucketOf(key: string): number {
    let low = 0
    let high = this.#buckets.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (((this.#buckets[middle] as string[])[0] as string) <= key) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Index of the first key that is not smaller. */
function position(bucket: readonly string[], key: string): number {
  let low = 0
  let high = bucket.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((bucket[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}
