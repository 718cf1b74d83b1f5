import type { CryptoBackend } from "@sluice/crypto/backend"
import { CryptoError } from "@sluice/crypto/errors"
import type { Kem } from "@sluice/crypto/kem"
import type { PrivateKey, X448Key } from "@sluice/crypto/keys"
import { RatchetError } from "./errors.ts"

/** What the ratchet computes with. All its randomness comes from these two. */
export interface RatchetCrypto {
  readonly crypto: CryptoBackend
  readonly kem: Kem
}

/** X448 secret, 56 bytes. Throws `RatchetError` "LOW_ORDER_KEY" where the peer's key gives none. */
export function sharedSecret(c: RatchetCrypto, own: PrivateKey<"x448">, peer: X448Key): Uint8Array {
  try {
    return c.crypto.diffieHellman(own, peer)
  } catch (error) {
    if (error instanceof CryptoError && error.problem === "LOW_ORDER_POINT") {
      throw new RatchetError({ code: "LOW_ORDER_KEY" })
    }
    throw error
  }
}
