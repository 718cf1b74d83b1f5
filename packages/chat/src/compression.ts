// Large profiles are compressed in the way of the apps: zstd, with the size of the content in the frame.
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib"

const LEVEL = 3

/** A zstd frame that names the size of its content, which readers ask for. */
export function compress(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_contentSizeFlag]: 1 },
    pledgedSrcSize: bytes.length,
  })
}

/** The content of a frame; `undefined` if it is none, or its content has more than `maxSize` bytes. */
export function decompress(bytes: Uint8Array, maxSize: number): Uint8Array | undefined {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: maxSize })
  } catch (error) {
    // Whatever the library says about it, these are bytes of a stranger.
    if (error instanceof Error) return undefined
    throw error
  }
}
