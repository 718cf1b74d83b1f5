import type { BoxKey, CryptoBackend } from "@sluice/crypto/backend"
import { NONCE_SIZE } from "@sluice/crypto/backend"
import { concatBytes, equalBytes } from "@sluice/encoding/bytes"
import type { Seal } from "./record-store.ts"

/**
 * Seals each value with XSalsa20-Poly1305 under a random nonce: `nonce 24 ‖ tag 16 ‖ u8 key length ‖ key ‖ value`. The key
 * inside keeps somebody who can write to the files from moving a value to another row.
 */
export function sealedValues(c: CryptoBackend, boxKey: BoxKey): Seal {
  return {
    close(key, value) {
      const nonce = c.randomBytes(NONCE_SIZE)
      const plain = concatBytes(Uint8Array.of(key.length), key, value)
      return concatBytes(nonce, c.seal(boxKey, nonce, plain))
    },
    open(key, sealed) {
      if (sealed.length < NONCE_SIZE) return undefined
      const plain = c.open(boxKey, sealed.subarray(0, NONCE_SIZE), sealed.subarray(NONCE_SIZE))
      if (plain === undefined || plain[0] !== key.length) return undefined
      const start = 1 + key.length
      return equalBytes(plain.subarray(1, start), key) ? plain.subarray(start) : undefined
    },
  }
}
