import { utf8 } from "@sluice/encoding/bytes"
import { requireHkdfLength } from "../errors.ts"
import { sodium } from "./sodium.ts"

const BLOCK = 128
const HASH = 64
const INNER_PAD = 0x36
const OUTER_PAD = 0x5c
/** Inputs of more than this go through an array of their own. */
const SCRATCH = 512

const inner = new Uint8Array(BLOCK + SCRATCH)
const outer = new Uint8Array(BLOCK + HASH)
const prk = new Uint8Array(HASH)
const block = new Uint8Array(HASH)
const hashedKey = new Uint8Array(HASH)

/**
 * HKDF with SHA-512 (RFC 5869), HMAC (RFC 2104) included, over libsodium's hash. Every transport block takes a step of
 * a key chain, and `hkdfSync` of node:crypto costs as much for that as the encryption of the block; this costs half
 * (`bench/crypto.ts`). Nothing here is asynchronous, so calls can share the scratch arrays, which are wiped at the end.
 */
export function hkdfSha512(salt: Uint8Array, ikm: Uint8Array, info: string, length: number): Uint8Array {
  requireHkdfLength(length)
  const infoBytes = utf8(info)
  const output = new Uint8Array(length)
  hmac(prk, salt, ikm, ikm.length)

  // T(i) = HMAC(PRK, T(i-1) ‖ info ‖ i); T(0) is empty.
  const expand = new Uint8Array(HASH + infoBytes.length + 1)
  expand.set(infoBytes, HASH)
  for (let at = 0, i = 1; at < length; at += HASH, i++) {
    expand[expand.length - 1] = i
    const message = i === 1 ? expand.subarray(HASH) : expand
    hmac(block, prk, message, message.length)
    output.set(length - at < HASH ? block.subarray(0, length - at) : block, at)
    expand.set(block)
  }
  for (const used of [inner, outer, prk, block, hashedKey, expand]) used.fill(0)
  return output
}

function hmac(mac: Uint8Array, key: Uint8Array, message: Uint8Array, length: number): void {
  let short = key
  if (key.length > BLOCK) {
    sodium.crypto_hash_sha512(hashedKey, key)
    short = hashedKey
  }
  const first = length > SCRATCH ? new Uint8Array(BLOCK + length) : inner
  for (let i = 0; i < BLOCK; i++) {
    const byte = short[i] ?? 0
    first[i] = byte ^ INNER_PAD
    outer[i] = byte ^ OUTER_PAD
  }
  first.set(message, BLOCK)
  sodium.crypto_hash_sha512(mac, first.subarray(0, BLOCK + length))
  outer.set(mac, BLOCK)
  sodium.crypto_hash_sha512(mac, outer)
  if (first !== inner) first.fill(0)
}
