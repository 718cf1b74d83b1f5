import type { Algorithm, DhAlgorithm, KeyPair, PrivateKey, PublicKey, SignatureAlgorithm } from "./keys.ts"

/** Fills the whole of `into` with random bytes. Production uses a CSPRNG; tests may inject a repeatable one. */
export type RandomSource = (into: Uint8Array) => void

declare const boxKeyBrand: unique symbol

/**
 * A 32-byte key ready for XSalsa20-Poly1305: HSalsa20 of a Diffie-Hellman secret or symmetric key, made by
 * {@link CryptoBackend.boxKey}. The brand keeps a raw secret from being used in its place, which would encrypt to
 * other bytes (crypto.md §4).
 */
export type BoxKey = Uint8Array & { readonly [boxKeyBrand]: true }

/** Bytes of a box nonce. */
export const NONCE_SIZE = 24
/** Bytes that a box is longer than its message: the Poly1305 tag, which comes first. */
export const TAG_SIZE = 16
/** Bytes of a box key and of the secret that it is made from. */
export const BOX_KEY_SIZE = 32

/** An AES-256-GCM result; the ratchet stores tag and body apart. */
export interface GcmSealed {
  /** 16 bytes. */
  readonly tag: Uint8Array
  /** As long as the message. */
  readonly body: Uint8Array
}

/**
 * Every cryptographic primitive that the network uses. Two implementations give the same bytes: `native` and
 * `portable`. Results are fresh arrays unless a caller's buffer is filled. A wrong length of a key, nonce, or output
 * buffer throws `CryptoError` "WRONG_LENGTH"; anything that a peer can send (signature, key of a right length,
 * packet) never throws, with the one exception of {@link CryptoBackend.diffieHellman}.
 */
export interface CryptoBackend {
  readonly name: "native" | "portable"

  /** `length` fresh random bytes (crypto.md §10). */
  randomBytes(length: number): Uint8Array

  generateKeyPair<A extends Algorithm>(algorithm: A): KeyPair<A>

  /** The public half of a private key. */
  publicKeyOf<A extends Algorithm>(key: PrivateKey<A>): PublicKey<A>

  /** Pure EdDSA without context (RFC 8032): 64 bytes for Ed25519, 114 for Ed448. Deterministic. */
  sign(key: PrivateKey<SignatureAlgorithm>, message: Uint8Array): Uint8Array

  /**
   * Whether `signature` is by `key` over `message`. Strict: s ≥ L, public keys of small order, keys that do not
   * sign, and signatures of a wrong length are all `false`. Never throws.
   */
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean

  /**
   * Raw X25519 (32 bytes, RFC 7748) or X448 (56 bytes) secret, not hashed. Ignores the top bit of an X25519 key.
   * Throws `CryptoError` "LOW_ORDER_POINT" where the result would be all zero, and "WRONG_ALGORITHM" for two keys
   * of different curves. Callers that hold a peer's key turn that into their AUTH or decryption error.
   */
  diffieHellman(privateKey: PrivateKey<DhAlgorithm>, publicKey: PublicKey<DhAlgorithm>): Uint8Array

  /** SHA-256, 32 bytes. */
  sha256(data: Uint8Array): Uint8Array
  /** SHA-512, 64 bytes. `out`, if given, has exactly that length; it is filled and returned. */
  sha512(data: Uint8Array, out?: Uint8Array): Uint8Array
  /** SHA3-256, 32 bytes. */
  sha3_256(data: Uint8Array): Uint8Array
  /** SHA3-384, 48 bytes. */
  sha3_384(data: Uint8Array): Uint8Array
  /** MD5, 16 bytes. Only for hashes of sets of IDs, where nothing depends on its strength. */
  md5(data: Uint8Array): Uint8Array

  /**
   * RFC 5869 with SHA-512. `info` is ASCII; 1 to 16320 bytes come out. An empty salt means 64 zero bytes. `out`, if
   * given, has exactly `length` bytes; it is filled and returned.
   */
  hkdf(salt: Uint8Array, ikm: Uint8Array, info: string, length: number, out?: Uint8Array): Uint8Array

  /**
   * Key of a box: HSalsa20 of a 32-byte secret with 16 zero bytes. Worth keeping where one secret serves often. `out`, if
   * given, has 32 bytes; it is filled and returned.
   */
  boxKey(secret: Uint8Array, out?: Uint8Array): BoxKey

  /**
   * XSalsa20-Poly1305: 16-byte tag, then the cipher text (`message.length + 16` bytes). `nonce` is 24 bytes.
   * `out`, if given, must be exactly that long; it is filled and returned, and nothing is allocated. `message` may
   * be `out.subarray(16)` itself (encryption in place); no other overlap is allowed.
   */
  seal(key: BoxKey, nonce: Uint8Array, message: Uint8Array, out?: Uint8Array): Uint8Array

  /**
   * The message of a packet made by {@link seal}, or `undefined` if the packet is under 16 bytes or its tag differs
   * (compared in constant time). `out`, if given, must be exactly `packet.length - 16` long unless the packet is
   * too short; it may be `packet.subarray(16)` itself. What it holds after a failure is unspecified.
   */
  open(key: BoxKey, nonce: Uint8Array, packet: Uint8Array, out?: Uint8Array): Uint8Array | undefined

  /** AES-256-GCM (crypto.md §6): 32-byte key, IV of 16 bytes (or 12), 16-byte tag. */
  aesGcmEncrypt(key: Uint8Array, iv: Uint8Array, associated: Uint8Array, message: Uint8Array): GcmSealed

  /** The message, or `undefined` if the tag does not fit. */
  aesGcmDecrypt(
    key: Uint8Array,
    iv: Uint8Array,
    associated: Uint8Array,
    tag: Uint8Array,
    body: Uint8Array,
  ): Uint8Array | undefined

  /** Compares in time that depends on the lengths only; `false` for different lengths. */
  timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
}

/** What a back end can be made with. */
export interface BackendOptions {
  /** Where all its randomness comes from. Default: the platform's CSPRNG. */
  readonly random?: RandomSource
}
