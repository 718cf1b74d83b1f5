import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { concatBytes, latin1, utf8 } from "@sluice/encoding/bytes"
import { CryptoError } from "../errors.ts"
import { type P256PrivateKey, publicKeyOfP256 } from "./p256.ts"

/** Algorithms of RFC 7518 §3.1: ECDSA on P-256, and RSA with PKCS #1 padding, both over SHA-256. */
export type JwsAlgorithm = "ES256" | "RS256"

/** A private key that signs web tokens. It has no field that could be printed. */
export interface JwsKey {
  readonly algorithm: JwsAlgorithm
  /** Signature over `message`: r ‖ s (64 bytes, RFC 7518 §3.4) for ES256, as long as the modulus for RS256. */
  sign(message: Uint8Array): Uint8Array
}

const KEY_TYPE = { ES256: "ec", RS256: "rsa" } as const
const SMALLEST_RSA_BITS = 2048

/**
 * A key from PEM: unencrypted PKCS #8 (or the older forms that OpenSSL reads). Throws `CryptoError` "WRONG_ALGORITHM"
 * unless it is a private key on P-256 for ES256, of RSA with 2048 bits or more for RS256.
 */
export function jwsKeyFromPem(algorithm: JwsAlgorithm, pem: string): JwsKey {
  let key: KeyObject
  try {
    key = createPrivateKey({ key: pem, format: "pem" })
  } catch {
    // OpenSSL's reason is not passed on: it is about bytes of a secret.
    throw new CryptoError("WRONG_ALGORITHM", "not an unencrypted private key in PEM")
  }
  return jwsKey(algorithm, key)
}

/** The same key as {@link P256PrivateKey} for ES256. */
export function jwsKeyOfP256(privateKey: P256PrivateKey): JwsKey {
  const point = publicKeyOfP256(privateKey)
  const part = (from: number): string => encodeBase64UrlUnpadded(point.subarray(from, from + 32))
  const jwk = { kty: "EC", crv: "P-256", d: encodeBase64UrlUnpadded(privateKey), x: part(1), y: part(33) }
  return jwsKey("ES256", createPrivateKey({ key: jwk, format: "jwk" }))
}

/** Compact serialisation of a signed web token (RFC 7515 §7.1), `alg` added to the header first. */
export function signJws(
  key: JwsKey,
  header: Readonly<Record<string, string>>,
  claims: Readonly<Record<string, string | number>>,
): string {
  const part = (value: object): string => encodeBase64UrlUnpadded(utf8(JSON.stringify(value)))
  const signed = `${part({ alg: key.algorithm, ...header })}.${part(claims)}`
  return `${signed}.${encodeBase64UrlUnpadded(key.sign(latin1(signed)))}`
}

/**
 * Whether `signature` is by the holder of a public P-256 point (65 bytes, uncompressed) over `message`; r ‖ s of 64 bytes.
 * A point that is not on the curve is `false`.
 */
export function verifyEs256(point: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (point.length !== 65 || signature.length !== 64) return false
  try {
    const key = createPublicKey({ key: Buffer.from(concatBytes(SPKI_P256, point)), format: "der", type: "spki" })
    return verify("sha256", message, { key, dsaEncoding: "ieee-p1363" }, signature)
  } catch {
    return false // the point is not on the curve
  }
}

/** What stands before an uncompressed point in a SubjectPublicKeyInfo of P-256 (RFC 5480 §2). */
const SPKI_P256 = Uint8Array.from(
  [0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01].concat([
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
  ]),
)

function jwsKey(algorithm: JwsAlgorithm, key: KeyObject): JwsKey {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  const fits =
    key.asymmetricKeyType === KEY_TYPE[algorithm] &&
    (algorithm === "ES256" ? namedCurve === "prime256v1" : modulusLength >= SMALLEST_RSA_BITS)
  if (!fits) throw new CryptoError("WRONG_ALGORITHM", `not a private key for ${algorithm}`)
  return {
    algorithm,
    sign: (message) => new Uint8Array(sign("sha256", message, { key, dsaEncoding: "ieee-p1363" })),
  }
}
