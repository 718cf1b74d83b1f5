/**
 * Small working buffers cut from shared 16 KiB slabs. A typed array with a buffer of its own costs more to allocate than
 * a small reply costs to write (`bench/encoding.ts`), and a relay writes several of them for every block it sends.
 */
const SLAB_SIZE = 16_384
/** Larger requests get a buffer of their own. */
const LARGEST_PIECE = 4096

let slab = new ArrayBuffer(SLAB_SIZE)
let used = 0

/** A buffer of `length` bytes with unspecified content. */
export function allocate(length: number): Uint8Array {
  if (length > LARGEST_PIECE) return new Uint8Array(length)
  if (length > SLAB_SIZE - used) {
    slab = new ArrayBuffer(SLAB_SIZE)
    used = 0
  }
  const piece = new Uint8Array(slab, used, length)
  used += length
  return piece
}

/**
 * The first `length` bytes of a piece from {@link allocate}. When it is the newest piece, the rest of it becomes
 * available again, so generous first guesses cost nothing.
 */
export function shrink(piece: Uint8Array, length: number): Uint8Array {
  if (length === piece.length) return piece
  if (piece.buffer === slab && piece.byteOffset + piece.length === used) used = piece.byteOffset + length
  return prefix(piece, length)
}

/** The first `length` bytes as a plain Uint8Array, even of a Node `Buffer`. */
export function prefix(bytes: Uint8Array, length: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, length)
}
