import { DecodeError, EncodeError } from "./errors.ts"

/** Bytes of the length prefix of a padded message. */
export const PAD_PREFIX = 2
/** The largest message that can be padded, whatever the padded length: 2^16 - 3 bytes. */
export const MAX_PADDED_MESSAGE = 65_533

const FILL = 0x23

/**
 * `u16 length ‖ message ‖ '#' …`, exactly `paddedLength` bytes including the 2-byte prefix (encoding.md §1.7).
 * Throws `EncodeError` when the message has more than `paddedLength - 2` or {@link MAX_PADDED_MESSAGE} bytes.
 */
export function pad(message: Uint8Array, paddedLength: number): Uint8Array {
  checkFits(message.length, paddedLength)
  const block = new Uint8Array(paddedLength)
  block.set(message, PAD_PREFIX)
  fillPadding(block, message.length)
  return block
}

/**
 * The same in place: `block` already holds a message of `length` bytes from offset 2; writes its prefix and the fill.
 * Saves a copy where the message was encoded directly into the block.
 */
export function padInPlace(block: Uint8Array, length: number): void {
  checkFits(length, block.length)
  fillPadding(block, length)
}

/**
 * The message inside a padded block, as a view. The fill is not checked. Throws `DecodeError` when the block is shorter
 * than its own prefix says.
 */
export function unpad(block: Uint8Array): Uint8Array {
  const [high, low] = block
  if (high === undefined || low === undefined) throw new DecodeError("padding: no length")
  const length = (high << 8) | low
  if (length > block.length - PAD_PREFIX) throw new DecodeError("padding: length exceeds the block")
  return new Uint8Array(block.buffer, block.byteOffset + PAD_PREFIX, length)
}

function checkFits(length: number, paddedLength: number): void {
  if (length > paddedLength - PAD_PREFIX || length > MAX_PADDED_MESSAGE) {
    throw new EncodeError("padding: message too large")
  }
}

function fillPadding(block: Uint8Array, length: number): void {
  block[0] = length >>> 8
  block[1] = length
  block.fill(FILL, PAD_PREFIX + length)
}
