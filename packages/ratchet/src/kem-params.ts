import { KEM_CIPHERTEXT_SIZE, KEM_PUBLIC_KEY_SIZE } from "@sluice/crypto/kem"
import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"

/** A public key that the peer may encapsulate to. */
export interface ProposedKem {
  readonly type: "proposed"
  /** 1158 bytes. */
  readonly publicKey: Uint8Array
}

/** A secret for the peer's key, and the next public key. */
export interface AcceptedKem {
  readonly type: "accepted"
  /** 1039 bytes, made for the key that the peer proposed. */
  readonly ciphertext: Uint8Array
  /** 1158 bytes. */
  readonly publicKey: Uint8Array
}

/** KEM part of parameters and headers (ratchet.md §1). */
export type KemParams = ProposedKem | AcceptedKem

const PROPOSED = 0x50 // P
const ACCEPTED = 0x41 // A

/** `'P' ‖ str16(public key)` or `'A' ‖ str16(ciphertext) ‖ str16(public key)`. */
export function writeKemParams(w: Writer, params: KemParams): void {
  if (params.type === "proposed") w.u8(PROPOSED)
  else w.u8(ACCEPTED).large(params.ciphertext)
  w.large(params.publicKey)
}

/** Reads both forms. Wrong lengths are a `DecodeError`, as from version 7.0 of the reference. Views on the input. */
export function readKemParams(r: Reader): KemParams {
  const tag = r.u8("KEM parameters")
  if (tag === PROPOSED) return { type: "proposed", publicKey: readKemKey(r) }
  if (tag !== ACCEPTED) throw new DecodeError("KEM parameters: unknown tag")
  const ciphertext = kemCiphertext(r.large("KEM ciphertext"))
  return { type: "accepted", ciphertext, publicKey: readKemKey(r) }
}

function readKemKey(r: Reader): Uint8Array {
  return kemPublicKey(r.large("KEM public key"))
}

/** The same bytes if they can be a public key; otherwise throws `DecodeError`. */
export function kemPublicKey(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== KEM_PUBLIC_KEY_SIZE) throw new DecodeError("KEM public key: wrong length")
  return bytes
}

/** The same bytes if they can be a ciphertext; otherwise throws `DecodeError`. */
export function kemCiphertext(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== KEM_CIPHERTEXT_SIZE) throw new DecodeError("KEM ciphertext: wrong length")
  return bytes
}
