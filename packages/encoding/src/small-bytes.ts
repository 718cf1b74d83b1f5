/** Bytes of the arrays that small ones are cut from. */
const SLAB = 4096
/** Longer ones get memory of their own: the slab would be used up by a few of them. */
const LARGEST = 256

let slab = new Uint8Array(SLAB)
let used = 0

/**
 * Zeroed memory for a few bytes that are needed for as long as one command takes.
 *
 * An engine keeps the bytes of a small array beside the array, until somebody makes a view on it or hands it to native
 * code: then it gets a buffer outside of the heap, with everything that the garbage collector needs to free it again,
 * about a microsecond of processor time for each. Views on a shared buffer don't have that cost. What they have is that
 * one of them keeps 4 KB alive: whoever stores such bytes makes a copy.
 */
export function smallBytes(length: number): Uint8Array {
  if (length > LARGEST) return new Uint8Array(length)
  if (used + length > SLAB) {
    slab = new Uint8Array(SLAB)
    used = 0
  }
  const bytes = new Uint8Array(slab.buffer, used, length)
  used += length
  return bytes
}

/** A copy in such memory. */
export function smallCopy(bytes: Uint8Array): Uint8Array {
  const copy = smallBytes(bytes.length)
  copy.set(bytes)
  return copy
}
