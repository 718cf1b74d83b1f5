import { hsalsa } from "@noble/ciphers/salsa.js"
import { BOX_KEY_SIZE, type BoxKey } from "./backend.ts"
import { requireLength } from "./errors.ts"

const SIGMA: Uint32Array = words(Uint8Array.from("expand 32-byte k", (c) => c.charCodeAt(0)))
const ZERO: Uint32Array = new Uint32Array(4)

// Every transport block needs a key, so input and output have one place each; calls can't overlap, and wipe both.
const both = new Uint32Array((2 * BOX_KEY_SIZE) / 4)
const key: Uint32Array = both.subarray(0, BOX_KEY_SIZE / 4)
const keyBytes = new Uint8Array(both.buffer, 0, BOX_KEY_SIZE)
const derived: Uint32Array = both.subarray(BOX_KEY_SIZE / 4)
const derivedBytes = new Uint8Array(both.buffer, BOX_KEY_SIZE)

function words(bytes: Uint8Array): Uint32Array {
  const out = new Uint32Array(bytes.length / 4)
  new Uint8Array(out.buffer).set(bytes)
  return out
}

/**
 * HSalsa20(secret, 16 zero bytes): first step of every box (crypto.md §4). sodium-native does not
 * offer it alone, so both back ends take it from here. Block keys apart, it is needed once per session and queue.
 */
export function boxKeyOf(secret: Uint8Array, out: Uint8Array = new Uint8Array(BOX_KEY_SIZE)): BoxKey {
  requireLength(secret, BOX_KEY_SIZE, "box secret")
  requireLength(out, BOX_KEY_SIZE, "box key")
  keyBytes.set(secret)
  hsalsa(SIGMA, key, ZERO, derived)
  out.set(derivedBytes)
  both.fill(0)
  return out as BoxKey
}
