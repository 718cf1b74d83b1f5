import { EncodeError } from "@sluice/encoding/errors"
import { PAD_PREFIX, padInPlace, unpad } from "@sluice/encoding/padding"
import { BlockPool } from "./block-pool.ts"
import { BLOCK_SIZE } from "./block-stream.ts"
import { protocolError } from "./errors.ts"

/** Turns contents into blocks and back, in the way that a session agreed on. One direction does not affect the other. */
export interface BlockCodec {
  /** Bytes of a block. */
  readonly blockSize: number
  /** Longest content in bytes: 16382 plain, 16366 encrypted. */
  readonly maxContent: number

  /**
   * A new block whose content is all `parts`, one after the other; they are copied once, into the block itself. Blocks
   * must be sent in the order in which they are made. Throws `TransportError` LARGE_MSG when the content is over
   * {@link maxContent}, which leaves the codec as it was.
   */
  encode(parts: readonly Uint8Array[]): Uint8Array

  /**
   * The same with a content that is written in place: `write` gets the {@link maxContent} bytes that are there for it
   * (of unspecified content) and returns how many it used. What it throws passes through and leaves the codec as it was.
   */
  encodeWith(write: (content: Uint8Array) => number): Uint8Array

  /**
   * The content of a received block, as a view on the block, which is overwritten. `undefined` for a block that does
   * not decrypt or un-pad; the blocks after it are not affected (transport.md §4).
   */
  decode(block: Uint8Array): Uint8Array | undefined
}

/** Padded and not encrypted: hellos, and sessions below v11, without a session secret, or of a proxy. */
export function plainBlocks(blockSize: number = BLOCK_SIZE): BlockCodec {
  return {
    blockSize,
    maxContent: blockSize - PAD_PREFIX,
    encode: (parts) => paddedBlock(blockSize, 0, parts),
    encodeWith: (write) => paddedBlockWith(blockSize, 0, write),
    decode: (block) => unpadded(block),
  }
}

/** A fresh block with the padded concatenation of `parts` after `offset` bytes that are left for the caller to fill. */
export function paddedBlock(blockSize: number, offset: number, parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  // Before the buffer is touched: a part that does not fit would throw a RangeError of the engine.
  if (length > blockSize - offset - PAD_PREFIX) throw protocolError("LARGE_MSG")
  const block = freshBlock(blockSize)
  let at = offset + PAD_PREFIX
  for (const part of parts) {
    block.set(part, at)
    at += part.length
  }
  padInPlace(offset === 0 ? block : block.subarray(offset), length)
  return block
}

/** The same with a content written in place. */
export function paddedBlockWith(blockSize: number, offset: number, write: (content: Uint8Array) => number): Uint8Array {
  const block = freshBlock(blockSize)
  const padded = offset === 0 ? block : block.subarray(offset)
  const length = write(padded.subarray(PAD_PREFIX))
  try {
    padInPlace(padded, length)
  } catch (error) {
    throw error instanceof EncodeError ? protocolError("LARGE_MSG", error) : error
  }
  return block
}

/** Content of a padded block as a view, or `undefined` when its length does not fit. */
export function unpadded(block: Uint8Array): Uint8Array | undefined {
  const length = ((block[0] ?? 0xff) << 8) | (block[1] ?? 0xff)
  // Asked before `unpad` would throw: a failed block is an ordinary event here, not worth an exception.
  return length <= block.length - PAD_PREFIX ? unpad(block) : undefined
}

/** Blocks of the one size that matters; 64 of them (1 MiB) last for a burst of answers. */
const POOL = new BlockPool(BLOCK_SIZE, 64)

/** Takes back a block that this package made and that was sent, to be filled again. Nobody may hold on to it. */
export function recycleBlock(block: Uint8Array): void {
  POOL.give(block)
}

/** Memory for one block, its content unspecified: every byte of it is written before it leaves this package. */
function freshBlock(size: number): Uint8Array {
  return size === BLOCK_SIZE ? POOL.take() : Buffer.allocUnsafeSlow(size)
}
