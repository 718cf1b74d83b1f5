import type { CryptoBackend } from "@sluice/crypto/backend"
import { type PrivateKey, SIZES } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"

/** A part of link data with the signature in front (short-links.md §4.3). */
export interface SignedPart {
  /** Ed25519, 64 bytes; not verified yet. */
  readonly signature: Uint8Array
  /** What is signed: the encoding of the part. A view. */
  readonly data: Uint8Array
}

/** `str8(signature) ‖ data`, 65 bytes longer than the data. */
export function signPart(c: CryptoBackend, key: PrivateKey<"ed25519">, data: Uint8Array): Uint8Array {
  return new Writer(data.length + 1 + SIZES.ed25519.signature).short(c.sign(key, data)).raw(data).finish()
}

/** Splits what {@link signPart} made. Throws `DecodeError`. */
export function readSignedPart(bytes: Uint8Array): SignedPart {
  const r = new Reader(bytes)
  return { signature: readSignature(r), data: r.tail() }
}

/** A short string of exactly the 64 bytes of an Ed25519 signature. */
export function readSignature(r: Reader): Uint8Array {
  const signature = r.short("signature")
  if (signature.length !== SIZES.ed25519.signature) throw new DecodeError("signature: wrong length")
  return signature
}
