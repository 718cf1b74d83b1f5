import { type BoxKey, type CryptoBackend, TAG_SIZE } from "./backend.ts"
import { cbNonce } from "./box.ts"

const HASH_SIZE = 64

/** Bytes of an authenticator: the box of a SHA-512 hash. */
export const AUTHENTICATOR_SIZE: number = TAG_SIZE + HASH_SIZE

// Filled and compared within one call; what stays behind are hashes of transmissions, no secrets.
const opened = new Uint8Array(HASH_SIZE)
const expected = new Uint8Array(HASH_SIZE)

/**
 * Authorizes `message` towards the holder of the other key (crypto.md §5): 80 bytes. `key` is the box key of the
 * X25519 authorization key and the session key of the server; `nonce` is the correlation ID.
 */
export function makeAuthenticator(c: CryptoBackend, key: BoxKey, nonce: Uint8Array, message: Uint8Array): Uint8Array {
  return c.seal(key, cbNonce(nonce), c.sha512(message))
}

/** Whether `authenticator` was made with the same key over the same message and nonce. Never throws. */
export function verifyAuthenticator(
  c: CryptoBackend,
  key: BoxKey,
  nonce: Uint8Array,
  message: Uint8Array,
  authenticator: Uint8Array,
): boolean {
  if (authenticator.length !== AUTHENTICATOR_SIZE) return false
  c.sha512(message, expected)
  return c.open(key, cbNonce(nonce), authenticator, opened) !== undefined && c.timingSafeEqual(opened, expected)
}
