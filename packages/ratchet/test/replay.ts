import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Encapsulation, Kem, KemKeyPair } from "@sluice/crypto/kem"
import { decodePrivateKey, type KeyPair, keyForPlace, privateKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { equalBytes, fromHex } from "@sluice/encoding/bytes"
import type { RatchetCrypto } from "../src/primitives.ts"
import type { Ratchet } from "../src/state.ts"

/** The real thing, with the operating system's randomness. */
export const realCrypto: RatchetCrypto = { crypto: nativeCrypto, kem: createSntrup761(nativeCrypto) }

/**
 * Cryptography whose new keys are those of a state that the reference went on to: replaying its step then gives the same
 * bytes. Any other new key is an error.
 */
export function replaying(after: Ratchet): RatchetCrypto {
  const unexpected = (): never => {
    throw new Error("the reference made no such key in this step")
  }
  const crypto: CryptoBackend = {
    ...nativeCrypto,
    generateKeyPair: ((algorithm: string) => (algorithm === "x448" ? after.dh : unexpected())) as never,
    randomBytes: unexpected,
  }
  const kem: Kem = {
    generateKeyPair: (): KemKeyPair => after.kem?.pair ?? unexpected(),
    encapsulate: (publicKey): Encapsulation => {
      const { accepted } = after.kem ?? {}
      return accepted !== undefined && equalBytes(publicKey, accepted.peerKey) ? accepted : unexpected()
    },
    decapsulate: realCrypto.kem.decapsulate,
  }
  return { crypto, kem }
}

/** A key pair of a vector file. */
export interface KeyValue {
  readonly pub: string
  readonly priv: string
  readonly pubRaw: string
  readonly privRaw: string
}

export function x448Pair(value: KeyValue): KeyPair<"x448"> {
  const decoded = decodePrivateKey(fromHex(value.priv))
  if (decoded.algorithm !== "x448") throw new Error("not an X448 key")
  const secret = privateKey("x448", decoded.raw)
  return { privateKey: secret, publicKey: keyForPlace(nativeCrypto.publicKeyOf(secret), "x448") }
}
