import { utf8 } from "@sluice/encoding/bytes"
import { requireHkdfLength, requireLength } from "../errors.ts"
import { sodium } from "./sodium.ts"

const BLOCK = 128
const HASH = 64
/** The pads of HMAC, four bytes at a time. */
const INNER_PAD = 0x36363636
const OUTER_PAD = 0x5c5c5c5c
const WORDS = BLOCK / 4
/** Messages of more bytes than this go through an array of their own. */
const SCRATCH = 512

// A key chain takes a step for every transport block, always with the same short inputs: so there is one place for each
// part of the computation in one array, and the views on it are made once.
const OUTER_AT = BLOCK
const OUTPUT_AT = OUTER_AT + BLOCK + HASH
const INNER_AT = OUTPUT_AT + HASH
const scratch = new Uint8Array(INNER_AT + BLOCK + SCRATCH)
const key = scratch.subarray(0, OUTER_AT)
const keyWords = new Uint32Array(scratch.buffer, 0, WORDS)
const outer = scratch.subarray(OUTER_AT, OUTPUT_AT)
const outerWords = new Uint32Array(scratch.buffer, OUTER_AT, WORDS)
const innerHash = outer.subarray(BLOCK)
const output = scratch.subarray(OUTPUT_AT, INNER_AT)
const inner = scratch.subarray(INNER_AT)
const innerWords = new Uint32Array(scratch.buffer, INNER_AT, WORDS)
/** The inner block with messages of 0, 1, 2, ... bytes. */
const innerWith: Uint8Array[] = []
let lastInfo = ""
let lastInfoBytes = utf8(lastInfo)

/**
 * HKDF with SHA-512 (RFC 5869), HMAC (RFC 2104) included, over libsodium's hash. Every transport block takes a step of
 * a key chain, and `hkdfSync` of node:crypto costs as much for that as the encryption of the block; this costs a third
 * (`bench/crypto.ts`). Nothing here is asynchronous, so calls can share the scratch arrays, which are wiped at the end.
 */
export function hkdfSha512(
  salt: Uint8Array,
  ikm: Uint8Array,
  info: string,
  length: number,
  result: Uint8Array = new Uint8Array(length),
): Uint8Array {
  requireHkdfLength(length)
  requireLength(result, length, "HKDF output")
  const infoBytes = bytesOf(info)
  setKey(salt)
  const extracted = messageOf(ikm.length)
  extracted.set(ikm, BLOCK)
  hmac(extracted)
  key.fill(0)
  key.set(output)
  setPads()
  // T(i) = HMAC(PRK, T(i-1) ‖ info ‖ i); T(0) is empty.
  for (let at = 0, i = 1; at < length; at += HASH, i++) {
    const infoAt = i === 1 ? 0 : HASH
    const expanded = messageOf(infoAt + infoBytes.length + 1)
    if (infoAt > 0) expanded.set(output, BLOCK)
    expanded.set(infoBytes, BLOCK + infoAt)
    expanded[expanded.length - 1] = i
    hmac(expanded)
    result.set(length - at < HASH ? output.subarray(0, length - at) : output, at)
  }
  scratch.fill(0)
  return result
}

/** The labels are few, and constants. */
function bytesOf(info: string): Uint8Array {
  if (info !== lastInfo) {
    lastInfoBytes = utf8(info)
    lastInfo = info
  }
  return lastInfoBytes
}

/** A key of any length; one of more than a block is hashed first. */
function setKey(bytes: Uint8Array): void {
  if (bytes.length > BLOCK) {
    sodium.crypto_hash_sha512(output, bytes)
    key.set(output)
  } else {
    key.set(bytes)
  }
  setPads()
}

function setPads(): void {
  for (let i = 0; i < WORDS; i++) {
    const word = keyWords[i] as number
    innerWords[i] = word ^ INNER_PAD
    outerWords[i] = word ^ OUTER_PAD
  }
}

/** Room for a block and a message of this length after it. */
function messageOf(length: number): Uint8Array {
  if (length > SCRATCH) return new Uint8Array(BLOCK + length)
  let view = innerWith[length]
  if (view === undefined) {
    view = inner.subarray(0, BLOCK + length)
    innerWith[length] = view
  }
  return view
}

/** HMAC of the message after the first block, under the key that was set; into `output`. Wipes a message of its own. */
function hmac(message: Uint8Array): void {
  const apart = message.buffer !== scratch.buffer
  if (apart) message.set(inner.subarray(0, BLOCK))
  sodium.crypto_hash_sha512(innerHash, message)
  sodium.crypto_hash_sha512(output, outer)
  if (apart) message.fill(0)
}
