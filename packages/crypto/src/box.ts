import { EncodeError } from "@sluice/encoding/errors"
import { PAD_PREFIX, padInPlace, unpad } from "@sluice/encoding/padding"
import { type BoxKey, type CryptoBackend, NONCE_SIZE, TAG_SIZE } from "./backend.ts"
import { CryptoError } from "./errors.ts"
import type { PrivateKey, PublicKey } from "./keys.ts"

/*
 * Boxes of crypto.md §4. One construction serves Diffie-Hellman secrets ("crypto_box") and symmetric keys
 * ("secret_box") alike, so there is one set of functions. Those that take a `secret` (32 bytes) make its box key each
 * time; where several boxes share a secret, make the key once and use `sealPadded`, `openPadded` or the back end.
 */

/** A 24-byte nonce from any bytes: longer ones are cut, shorter ones filled with zero bytes; 24 bytes are kept as is. */
export function cbNonce(bytes: Uint8Array): Uint8Array {
  if (bytes.length === NONCE_SIZE) return bytes
  const nonce = new Uint8Array(NONCE_SIZE)
  nonce.set(bytes.length > NONCE_SIZE ? bytes.subarray(0, NONCE_SIZE) : bytes)
  return nonce
}

/** The nonce of a reply: the same 24 bytes from last to first. */
export function reverseNonce(nonce: Uint8Array): Uint8Array {
  return new Uint8Array(nonce).reverse()
}

/** Encrypts without padding: `message.length + 16` bytes, tag first. */
export function cbEncryptNoPad(
  c: CryptoBackend,
  secret: Uint8Array,
  nonce: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  return c.seal(c.boxKey(secret), nonce, message)
}

/** The content of an unpadded box, or `undefined` if it is under 16 bytes or its tag is wrong. */
export function cbDecryptNoPad(
  c: CryptoBackend,
  secret: Uint8Array,
  nonce: Uint8Array,
  packet: Uint8Array,
): Uint8Array | undefined {
  return c.open(c.boxKey(secret), nonce, packet)
}

/**
 * Pads to `paddedLength` bytes and encrypts: `paddedLength + 16` bytes. Throws `EncodeError` for a message over
 * `paddedLength - 2` bytes.
 */
export function cbEncrypt(
  c: CryptoBackend,
  secret: Uint8Array,
  nonce: Uint8Array,
  message: Uint8Array,
  paddedLength: number,
): Uint8Array {
  return sealPadded(c, c.boxKey(secret), nonce, message, paddedLength)
}

/** The message of a padded box, or `undefined` if its tag or the length inside is wrong. */
export function cbDecrypt(
  c: CryptoBackend,
  secret: Uint8Array,
  nonce: Uint8Array,
  packet: Uint8Array,
): Uint8Array | undefined {
  return openPadded(c, c.boxKey(secret), nonce, packet)
}

/**
 * {@link cbEncrypt} with a ready key. The one copy of the message goes into the result, which is encrypted in place;
 * `out`, if given, is that result and must be `paddedLength + 16` bytes long.
 */
export function sealPadded(
  c: CryptoBackend,
  key: BoxKey,
  nonce: Uint8Array,
  message: Uint8Array,
  paddedLength: number,
  out: Uint8Array = new Uint8Array(paddedLength + TAG_SIZE),
): Uint8Array {
  if (message.length > paddedLength - PAD_PREFIX) throw new EncodeError("box: message too large")
  const block = out.subarray(TAG_SIZE)
  block.set(message, PAD_PREFIX)
  padInPlace(block, message.length)
  return c.seal(key, nonce, block, out)
}

/**
 * {@link cbDecrypt} with a ready key. The message is a view on `out`, or on a fresh block of `packet.length - 16`
 * bytes.
 */
export function openPadded(
  c: CryptoBackend,
  key: BoxKey,
  nonce: Uint8Array,
  packet: Uint8Array,
  out?: Uint8Array,
): Uint8Array | undefined {
  const block = c.open(key, nonce, packet, out)
  if (block === undefined || block.length < PAD_PREFIX) return undefined
  const length = ((block[0] as number) << 8) | (block[1] as number)
  return length > block.length - PAD_PREFIX ? undefined : unpad(block)
}

/** Key of the boxes between two X25519 keys, or `undefined` if the peer sent a key that gives no secret (low order). */
export function dhBoxKey(c: CryptoBackend, own: PrivateKey<"x25519">, peer: PublicKey<"x25519">): BoxKey | undefined {
  try {
    return c.boxKey(c.diffieHellman(own, peer))
  } catch (error) {
    if (error instanceof CryptoError && error.problem === "LOW_ORDER_POINT") return undefined
    throw error
  }
}
