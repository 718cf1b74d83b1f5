import { createRequire } from "node:module"

/**
 * The calls of sodium-native 5 (libsodium) that this package makes; the package ships no types. Each checks the
 * lengths of its arguments itself and throws on a wrong one.
 */
export interface Sodium {
  /** `cipher` is 16 bytes longer than `message`; the two may overlap. */
  crypto_secretbox_easy(cipher: Uint8Array, message: Uint8Array, nonce: Uint8Array, key: Uint8Array): void
  /** Returns `false` on a wrong tag. `message` is 16 bytes shorter than `cipher`; the two may overlap. */
  crypto_secretbox_open_easy(message: Uint8Array, cipher: Uint8Array, nonce: Uint8Array, key: Uint8Array): boolean
  /** Public X25519 key of a scalar. */
  crypto_scalarmult_base(publicKey: Uint8Array, scalar: Uint8Array): void
  /** Throws where the secret would be all zero. */
  crypto_scalarmult(secret: Uint8Array, scalar: Uint8Array, publicKey: Uint8Array): void
  /** `secretKey` is 64 bytes: seed and public key. */
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  /** `hash` is 64 bytes. */
  crypto_hash_sha512(hash: Uint8Array, data: Uint8Array): void
}

// A CommonJS module that copies its functions from the native binding at run time, so it has no static exports.
export const sodium: Sodium = createRequire(import.meta.url)("sodium-native") as Sodium
