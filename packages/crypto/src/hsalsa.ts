import { hsalsa } from "@noble/ciphers/salsa.js"
import { BOX_KEY_SIZE, type BoxKey } from "./backend.ts"
import { requireLength } from "./errors.ts"

const SIGMA: Uint32Array = words(Uint8Array.from("expand 32-byte k", (c) => c.charCodeAt(0)))
const ZERO: Uint32Array = new Uint32Array(4)

function words(bytes: Uint8Array): Uint32Array {
  const out = new Uint32Array(bytes.length / 4)
  new Uint8Array(out.buffer).set(bytes)
  return out
}

/**
 * HSalsa20(secret, 16 zero bytes): first step of every box (crypto.md §4). sodium-native does not
 * offer it alone, so both back ends take it from here. Block keys apart, it is needed once per session and queue.
 */
export function boxKeyOf(secret: Uint8Array): BoxKey {
  requireLength(secret, BOX_KEY_SIZE, "box secret")
  const key = words(secret)
  const out = new Uint32Array(8)
  hsalsa(SIGMA, key, ZERO, out)
  key.fill(0)
  return new Uint8Array(out.buffer) as BoxKey
}
