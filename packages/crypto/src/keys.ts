import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { concatBytes, equalBytes, fromHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"
import { CryptoError, requireLength } from "./errors.ts"

/** The four key algorithms of the network (crypto.md §1). */
export type Algorithm = "ed25519" | "ed448" | "x25519" | "x448"
/** Algorithms that sign. */
export type SignatureAlgorithm = "ed25519" | "ed448"
/** Algorithms that agree on a secret. */
export type DhAlgorithm = "x25519" | "x448"

/** A public key. `raw` is the bare key: 32 bytes, for Ed448 57, for X448 56. It may be a view on received bytes. */
export interface PublicKey<A extends Algorithm = Algorithm> {
  readonly kind: "public"
  readonly algorithm: A
  readonly raw: Uint8Array
}

/** A private key. `raw` is the seed (Ed25519 32, Ed448 57 bytes) or the scalar (X25519 32, X448 56), not clamped. */
export interface PrivateKey<A extends Algorithm = Algorithm> {
  readonly kind: "private"
  readonly algorithm: A
  readonly raw: Uint8Array
}

/** Both halves of a key. */
export interface KeyPair<A extends Algorithm = Algorithm> {
  readonly publicKey: PublicKey<A>
  readonly privateKey: PrivateKey<A>
}

/** A union with one member per algorithm, so that testing `key.algorithm` narrows the type of the key. */
export type OneOfPublic<A extends Algorithm> = A extends Algorithm ? PublicKey<A> : never
/** The same for private keys. */
export type OneOfPrivate<A extends Algorithm> = A extends Algorithm ? PrivateKey<A> : never

export type AnyPublicKey = OneOfPublic<Algorithm>
export type AnyPrivateKey = OneOfPrivate<Algorithm>
/** Keys that may authorize commands: recipient, sender and notifier keys (encoding.md §1.4). */
export type AuthKey = OneOfPublic<"ed25519" | "ed448" | "x25519">
/** Keys that check signatures: certificates, services. */
export type VerifyKey = OneOfPublic<SignatureAlgorithm>
export type DhKey = OneOfPublic<DhAlgorithm>
export type X25519Key = PublicKey<"x25519">
export type Ed25519Key = PublicKey<"ed25519">
export type X448Key = PublicKey<"x448">

/** Sizes in bytes; `signature` is 0 and `secret` is 0 where the algorithm has none. */
export interface AlgorithmSizes {
  readonly key: number
  readonly signature: number
  readonly secret: number
}

/** Length of a raw key (public and private alike), of a signature, of a shared secret. */
export const SIZES: Readonly<Record<Algorithm, AlgorithmSizes>> = {
  ed25519: { key: 32, signature: 64, secret: 0 },
  ed448: { key: 57, signature: 114, secret: 0 },
  x25519: { key: 32, signature: 0, secret: 32 },
  x448: { key: 56, signature: 0, secret: 56 },
}

/** The algorithm that makes signatures of this many bytes, which is how the wire tells them apart (encoding.md §1.5). */
export function signatureAlgorithmOf(length: number): SignatureAlgorithm | undefined {
  if (length === SIZES.ed25519.signature) return "ed25519"
  return length === SIZES.ed448.signature ? "ed448" : undefined
}

export const ALGORITHMS: readonly Algorithm[] = ["ed25519", "ed448", "x25519", "x448"]

interface KeyFormat {
  readonly algorithm: Algorithm
  readonly publicPrefix: Uint8Array
  readonly privatePrefix: Uint8Array
}

// The DER of a key is canonical and of fixed size, so a constant before the raw key is the whole format.
const FORMATS: readonly KeyFormat[] = [
  format("ed25519", "302a300506032b6570032100", "302e020100300506032b657004220420"),
  format("ed448", "3043300506032b6571033a00", "3047020100300506032b6571043b0439"),
  format("x25519", "302a300506032b656e032100", "302e020100300506032b656e04220420"),
  format("x448", "3042300506032b656f033900", "3046020100300506032b656f043a0438"),
]

function format(algorithm: Algorithm, publicPrefix: string, privatePrefix: string): KeyFormat {
  return { algorithm, publicPrefix: fromHex(publicPrefix), privatePrefix: fromHex(privatePrefix) }
}

function formatOf(algorithm: Algorithm): KeyFormat {
  for (const candidate of FORMATS) if (candidate.algorithm === algorithm) return candidate
  throw new CryptoError("WRONG_ALGORITHM", "unknown key algorithm")
}

/** A public key from its raw bytes (kept, not copied). Throws `CryptoError` "WRONG_LENGTH". */
export function publicKey<A extends Algorithm>(algorithm: A, raw: Uint8Array): PublicKey<A> {
  requireLength(raw, SIZES[algorithm].key, "public key")
  return { kind: "public", algorithm, raw }
}

/** A private key from its seed or scalar (kept, not copied). Throws `CryptoError` "WRONG_LENGTH". */
export function privateKey<A extends Algorithm>(algorithm: A, raw: Uint8Array): PrivateKey<A> {
  requireLength(raw, SIZES[algorithm].key, "private key")
  return { kind: "private", algorithm, raw }
}

/** Whether both are the same public key: same algorithm, same bytes. Not constant time; public keys are no secret. */
export function equalPublicKeys(a: PublicKey, b: PublicKey): boolean {
  return a.algorithm === b.algorithm && equalBytes(a.raw, b.raw)
}

/** SubjectPublicKeyInfo DER: 44 bytes for the 25519 algorithms, Ed448 69, X448 68 (crypto.md §1). */
export function encodePublicKey(key: PublicKey): Uint8Array {
  return concatBytes(formatOf(key.algorithm).publicPrefix, key.raw)
}

/** PKCS#8 v1 DER without the public key: 48 bytes for the 25519 algorithms, Ed448 73, X448 72. */
export function encodePrivateKey(key: PrivateKey): Uint8Array {
  return concatBytes(formatOf(key.algorithm).privatePrefix, key.raw)
}

/**
 * Reads a SubjectPublicKeyInfo. Exact: the one canonical DER of one of the four algorithms and nothing after it; all
 * else throws `DecodeError`. The key is a view on `der`. Whether it is a point of its curve is not looked at here.
 */
export function decodePublicKey(der: Uint8Array): AnyPublicKey {
  for (const { algorithm, publicPrefix } of FORMATS) {
    const raw = afterPrefix(der, publicPrefix, SIZES[algorithm].key)
    if (raw !== undefined) return { kind: "public", algorithm, raw } as AnyPublicKey
  }
  throw new DecodeError("public key: not an Ed25519, Ed448, X25519 or X448 key")
}

/** Reads a PKCS#8 private key, with the same exactness as {@link decodePublicKey}. A view on `der`. */
export function decodePrivateKey(der: Uint8Array): AnyPrivateKey {
  for (const { algorithm, privatePrefix } of FORMATS) {
    const raw = afterPrefix(der, privatePrefix, SIZES[algorithm].key)
    if (raw !== undefined) return { kind: "private", algorithm, raw } as AnyPrivateKey
  }
  throw new DecodeError("private key: not an Ed25519, Ed448, X25519 or X448 key")
}

function afterPrefix(der: Uint8Array, prefix: Uint8Array, keyLength: number): Uint8Array | undefined {
  if (der.length !== prefix.length + keyLength) return undefined
  for (let i = 0; i < prefix.length; i++) if (der[i] !== prefix[i]) return undefined
  return new Uint8Array(der.buffer, der.byteOffset + prefix.length, keyLength)
}

/** String form of a public key: base64url of its DER, padded. */
export function publicKeyToString(key: PublicKey): string {
  return encodeBase64Url(encodePublicKey(key))
}

/** Reads the string form, padded or not. Throws `DecodeError`. */
export function publicKeyFromString(text: string): AnyPublicKey {
  return decodePublicKey(decodeBase64Url(text))
}

/** String form of a private key: base64url of its PKCS#8 DER, padded. Only for a program's own storage. */
export function privateKeyToString(key: PrivateKey): string {
  return encodeBase64Url(encodePrivateKey(key))
}

/** Reads the string form of a private key, padded or not. Throws `DecodeError`. */
export function privateKeyFromString(text: string): AnyPrivateKey {
  return decodePrivateKey(decodeBase64Url(text))
}

/** Which algorithms each place in the protocol takes (encoding.md §1.4), one algorithm's own name included. */
export interface KeyPlaces {
  readonly any: Algorithm
  readonly auth: "ed25519" | "ed448" | "x25519"
  readonly verify: SignatureAlgorithm
  readonly dh: DhAlgorithm
  readonly ed25519: "ed25519"
  readonly ed448: "ed448"
  readonly x25519: "x25519"
  readonly x448: "x448"
}

/** Where a key stands in the protocol. DH keys of SMP commands and handshakes are `"x25519"`. */
export type KeyPlace = keyof KeyPlaces

const PLACES: { readonly [P in KeyPlace]: readonly KeyPlaces[P][] } = {
  any: ["ed25519", "ed448", "x25519", "x448"],
  auth: ["ed25519", "ed448", "x25519"],
  verify: ["ed25519", "ed448"],
  dh: ["x25519", "x448"],
  ed25519: ["ed25519"],
  ed448: ["ed448"],
  x25519: ["x25519"],
  x448: ["x448"],
}

/** The same key with the type that `place` promises. Throws `DecodeError` if its algorithm is not allowed there. */
export function keyForPlace<P extends KeyPlace>(key: PublicKey, place: P): OneOfPublic<KeyPlaces[P]> {
  const allowed: readonly Algorithm[] = PLACES[place]
  if (!allowed.includes(key.algorithm)) throw new DecodeError("public key: algorithm not allowed here")
  return key as OneOfPublic<KeyPlaces[P]>
}

/** Reads a public key field: a short string with the DER. Throws `DecodeError`. The key is a view on the input. */
export function readKey<P extends KeyPlace>(r: Reader, place: P, field = "public key"): OneOfPublic<KeyPlaces[P]> {
  return keyForPlace(decodePublicKey(r.short(field)), place)
}

/** Writes a public key field: a short string with the DER. */
export function writeKey(w: Writer, key: PublicKey): void {
  w.short(encodePublicKey(key))
}

/** Reads a private key from a short string. Only for a program's own storage; never on the wire. */
export function readPrivateKey(r: Reader, field = "private key"): AnyPrivateKey {
  return decodePrivateKey(r.short(field))
}

/** Writes a private key as a short string. Only for a program's own storage; never on the wire. */
export function writePrivateKey(w: Writer, key: PrivateKey): void {
  w.short(encodePrivateKey(key))
}
