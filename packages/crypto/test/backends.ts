import { createHash } from "node:crypto"
import type { CryptoBackend, RandomSource } from "../src/backend.ts"
import { nativeCrypto } from "../src/native.ts"
import { portableCrypto } from "../src/portable.ts"

/** Both back ends: whatever is asserted of one is asserted of the other. */
export const BACKENDS: readonly CryptoBackend[] = [nativeCrypto, portableCrypto]

/** A repeatable random source: the same seed gives the same bytes, independent of the code under test. */
export function seededRandom(seed: string): RandomSource {
  let counter = 0
  return (into) => {
    for (let at = 0; at < into.length; at += 32) {
      const block = createHash("sha256").update(`${seed} ${counter++}`).digest()
      into.set(block.subarray(0, into.length - at), at)
    }
  }
}
