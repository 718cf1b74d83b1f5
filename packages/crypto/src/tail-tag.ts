import { EncodeError } from "@sluice/encoding/errors"
import { type CryptoBackend, TAG_SIZE } from "./backend.ts"

/** Bytes of the length before the content of a file. */
const LENGTH_SIZE = 8
const FILL = 0x23

/**
 * The box of files (crypto.md §3, §4): the message with an 8-byte length before it is filled with `#` to
 * `paddedLength` bytes and encrypted under `secret` (32 bytes); the tag comes last. `paddedLength + 16` bytes.
 * Throws `EncodeError` for a message over `paddedLength - 8` bytes.
 */
export function sbEncryptTailTag(
  c: CryptoBackend,
  secret: Uint8Array,
  nonce: Uint8Array,
  message: Uint8Array,
  paddedLength: number,
): Uint8Array {
  if (message.length > paddedLength - LENGTH_SIZE) throw new EncodeError("file box: message too large")
  const packet = new Uint8Array(paddedLength + TAG_SIZE)
  const block = packet.subarray(TAG_SIZE)
  new DataView(block.buffer, block.byteOffset).setBigInt64(0, BigInt(message.length))
  block.set(message, LENGTH_SIZE)
  block.fill(FILL, LENGTH_SIZE + message.length)
  c.seal(c.boxKey(secret), nonce, block, packet)
  return rotate(packet, TAG_SIZE)
}

/** The message of such a box, or `undefined` if the tag or the length inside is wrong: no plaintext before the tag fits. */
export function sbDecryptTailTag(
  c: CryptoBackend,
  secret: Uint8Array,
  nonce: Uint8Array,
  packet: Uint8Array,
): Uint8Array | undefined {
  if (packet.length < TAG_SIZE) return undefined
  const block = c.open(c.boxKey(secret), nonce, rotate(packet, packet.length - TAG_SIZE))
  if (block === undefined || block.length < LENGTH_SIZE) return undefined
  const length = new DataView(block.buffer, block.byteOffset).getBigInt64(0)
  if (length < 0n || length > BigInt(block.length - LENGTH_SIZE)) return undefined
  return block.subarray(LENGTH_SIZE, LENGTH_SIZE + Number(length))
}

/** The bytes from `start` on, then those before it. */
function rotate(bytes: Uint8Array, start: number): Uint8Array {
  const rotated = new Uint8Array(bytes.length)
  rotated.set(bytes.subarray(start))
  rotated.set(bytes.subarray(0, start), bytes.length - start)
  return rotated
}
