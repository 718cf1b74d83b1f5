import { equalBytes, fromHex } from "@sluice/encoding/bytes"
import type { CryptoBackend } from "./backend.ts"
import { decodeDer, derBitString, derSequence, TAG } from "./der.ts"
import type { PrivateKey, PublicKey, SignatureAlgorithm } from "./keys.ts"

/** The SIGNED structure of X.509: a body, the algorithm, and a signature over the body's bytes as they stand. */
export interface Signed {
  /** The whole body element with its tag and length. */
  readonly body: Uint8Array
  /** The whole AlgorithmIdentifier element. */
  readonly identifier: Uint8Array
  /** What the identifier names; `undefined` for algorithms that the network does not use. */
  readonly algorithm: SignatureAlgorithm | undefined
  readonly signature: Uint8Array
}

/** AlgorithmIdentifiers: an OID without parameters (RFC 8410), 7 bytes. */
const IDENTIFIERS: Readonly<Record<SignatureAlgorithm, Uint8Array>> = {
  ed25519: fromHex("300506032b6570"),
  ed448: fromHex("300506032b6571"),
}

/** The AlgorithmIdentifier element of an algorithm. */
export function algorithmIdentifier(algorithm: SignatureAlgorithm): Uint8Array {
  return IDENTIFIERS[algorithm]
}

/** Signs a body, a whole DER SEQUENCE, and wraps it. */
export function encodeSigned(c: CryptoBackend, signer: PrivateKey<SignatureAlgorithm>, body: Uint8Array): Uint8Array {
  return derSequence(body, IDENTIFIERS[signer.algorithm], derBitString(c.sign(signer, body)))
}

/** Takes a SIGNED structure apart without checking the signature. Throws `DecodeError`. */
export function decodeSigned(der: Uint8Array, field: string): Signed {
  return decodeDer(der, field, (outer) => {
    const r = outer.sequence(field)
    const body = r.element(TAG.sequence, field)
    const identifier = r.element(TAG.sequence, field)
    const signature = r.bitString(field)
    r.end(field)
    return { body, identifier, algorithm: algorithmOf(identifier), signature }
  })
}

/** Whether the signature is by `key`, and by the algorithm that the structure names. Never throws. */
export function isSignedBy(c: CryptoBackend, signed: Signed, key: PublicKey): boolean {
  return signed.algorithm === key.algorithm && c.verify(key, signed.body, signed.signature)
}

function algorithmOf(identifier: Uint8Array): SignatureAlgorithm | undefined {
  if (equalBytes(identifier, IDENTIFIERS.ed25519)) return "ed25519"
  if (equalBytes(identifier, IDENTIFIERS.ed448)) return "ed448"
  return undefined
}
