import { DecodeError } from "@sluice/encoding/errors"
import type { CryptoBackend } from "./backend.ts"
import { decodeDer, derSequence, TAG } from "./der.ts"
import {
  decodePublicKey,
  encodePublicKey,
  type KeyPlace,
  type KeyPlaces,
  keyForPlace,
  type OneOfPublic,
  type PrivateKey,
  type PublicKey,
  type SignatureAlgorithm,
} from "./keys.ts"
import { decodeSigned, encodeSigned, isSignedBy } from "./signed.ts"

/**
 * A public key signed with a certificate's key (encoding.md §1.6): the DER that goes into a Large field. 122 bytes for
 * a 25519 key signed with Ed25519, 173 signed with Ed448. The key stands in a SEQUENCE of its own, which is signed too.
 */
export function signKey(c: CryptoBackend, signer: PrivateKey<SignatureAlgorithm>, key: PublicKey): Uint8Array {
  return encodeSigned(c, signer, derSequence(encodePublicKey(key)))
}

/**
 * The key inside a signed object, or `undefined` unless all holds: canonical DER without trailing bytes, signed by
 * `signer` with the algorithm it names, and a key allowed in `place`. Never throws, whatever the bytes.
 */
export function verifySignedKey<P extends KeyPlace>(
  c: CryptoBackend,
  signer: PublicKey,
  der: Uint8Array,
  place: P,
): OneOfPublic<KeyPlaces[P]> | undefined {
  try {
    const signed = decodeSigned(der, "signed key")
    if (!isSignedBy(c, signed, signer)) return undefined
    const spki = decodeDer(signed.body, "signed key", (r) => r.content(TAG.sequence, "signed key"))
    return keyForPlace(decodePublicKey(spki), place)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
