import { Decompress } from "fzstd"

/** Bytes given to the decompressor at a time, so that data which unfolds without end is stopped early. */
const STEP = 256

class TooLarge extends Error {}

/** Undoes zstd. Gives `undefined` for what is no such data, or for more than `maxSize` bytes of it. */
export function decompress(compressed: Uint8Array, maxSize: number): Uint8Array | undefined {
  const parts: Uint8Array[] = []
  let size = 0
  const stream = new Decompress((chunk) => {
    size += chunk.length
    if (size > maxSize) throw new TooLarge()
    parts.push(chunk)
  })
  try {
    for (let at = 0; at < compressed.length; at += STEP) {
      stream.push(compressed.subarray(at, at + STEP), at + STEP >= compressed.length)
    }
  } catch {
    // The library throws its own errors for anything that is not zstd.
    return undefined
  }
  const all = new Uint8Array(size)
  let at = 0
  for (const chunk of parts) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
