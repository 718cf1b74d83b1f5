import { createECDH, createPrivateKey, ECDH } from "node:crypto"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { CryptoError, requireLength } from "../errors.ts"

declare const p256Brand: unique symbol

/** A private scalar of P-256 (secp256r1), 32 bytes, big endian, in range. */
export type P256PrivateKey = Uint8Array & { readonly [p256Brand]: true }

/** A key pair of P-256. */
export interface P256KeyPair {
  readonly privateKey: P256PrivateKey
  /** Uncompressed point, 65 bytes that begin with 4. */
  readonly publicKey: Uint8Array
}

const CURVE = "prime256v1"
const SCALAR_SIZE = 32

/** A new pair. */
export function generateP256(): P256KeyPair {
  const ecdh = createECDH(CURVE)
  const publicKey = new Uint8Array(ecdh.generateKeys())
  return { privateKey: scalarOf(ecdh.getPrivateKey()), publicKey }
}

/** A private key from its 32 bytes. Throws `CryptoError` "WRONG_LENGTH", or "WRONG_ALGORITHM" for a scalar out of range. */
export function p256PrivateKey(raw: Uint8Array): P256PrivateKey {
  requireLength(raw, SCALAR_SIZE, "P-256 private key")
  const key = new Uint8Array(raw) as P256PrivateKey
  publicKeyOfP256(key)
  return key
}

/** A private key from PEM. Throws `CryptoError` "WRONG_ALGORITHM" unless it is an unencrypted key on P-256. */
export function p256FromPem(pem: string): P256PrivateKey {
  try {
    const { crv, d } = createPrivateKey({ key: pem, format: "pem" }).export({ format: "jwk" })
    if (crv === "P-256" && d !== undefined) return p256PrivateKey(decodeBase64Url(d))
  } catch {
    // OpenSSL's reason is not passed on: it is about bytes of a secret.
  }
  throw new CryptoError("WRONG_ALGORITHM", "not an unencrypted private key on P-256 in PEM")
}

/** The public half: uncompressed point, 65 bytes. */
export function publicKeyOfP256(privateKey: P256PrivateKey): Uint8Array {
  return new Uint8Array(withKey(privateKey).getPublicKey())
}

/**
 * The uncompressed form (65 bytes) of a public point in either form (33 or 65 bytes), or `undefined` if it is not on the
 * curve.
 */
export function uncompressedP256(point: Uint8Array): Uint8Array | undefined {
  return converted(point, "uncompressed")
}

/** The compressed form (33 bytes) of a public point, or `undefined` if it is not on the curve. */
export function compressedP256(point: Uint8Array): Uint8Array | undefined {
  return converted(point, "compressed")
}

/**
 * ECDH secret (SEC 1 §3.3.1): x coordinate, 32 bytes. `undefined` if the peer's point (33 or 65 bytes) is not on the
 * curve; P-256 has no other points to refuse.
 */
export function p256Secret(privateKey: P256PrivateKey, peer: Uint8Array): Uint8Array | undefined {
  if (!hasPointForm(peer)) return undefined
  const ecdh = withKey(privateKey)
  try {
    return new Uint8Array(ecdh.computeSecret(peer))
  } catch {
    return undefined
  }
}

/** SEC 1 §2.3.3. OpenSSL would also take the point at infinity, and a mixture of both forms. */
function hasPointForm(point: Uint8Array): boolean {
  return (point.length === 33 && (point[0] === 2 || point[0] === 3)) || (point.length === 65 && point[0] === 4)
}

function converted(point: Uint8Array, form: "compressed" | "uncompressed"): Uint8Array | undefined {
  if (!hasPointForm(point)) return undefined
  try {
    return new Uint8Array(ECDH.convertKey(point, CURVE, undefined, undefined, form) as Buffer)
  } catch {
    return undefined // not on the curve
  }
}

function withKey(privateKey: P256PrivateKey): ECDH {
  const ecdh = createECDH(CURVE)
  try {
    ecdh.setPrivateKey(privateKey)
  } catch {
    throw new CryptoError("WRONG_ALGORITHM", "not a private key of P-256")
  }
  return ecdh
}

/** OpenSSL leaves zero bytes at the front out. */
function scalarOf(bytes: Uint8Array): P256PrivateKey {
  const key = new Uint8Array(SCALAR_SIZE)
  key.set(bytes, SCALAR_SIZE - bytes.length)
  return key as P256PrivateKey
}
