import { nativeCrypto } from "@sluice/crypto/native"
import { aes128GcmSeal, hkdfSha256 } from "@sluice/crypto/native/content-coding"
import { generateP256, type P256KeyPair, p256Secret, uncompressedP256 } from "@sluice/crypto/native/p256"
import { concatBytes, utf8 } from "@sluice/encoding/bytes"

/** Keys that a device gave for its pushes. */
export interface WebPushKeys {
  /** Public key of P-256, 33 bytes compressed or 65 bytes. */
  readonly publicKey: Uint8Array
  /** Authentication secret, 16 bytes. */
  readonly auth: Uint8Array
}

/** What is random in a push; given by tests only. */
export interface WebPushRandomness {
  readonly keyPair: P256KeyPair
  /** 16 bytes. */
  readonly salt: Uint8Array
}

/** Largest text of one push, in bytes: services must take bodies of 4096 (RFC 8030 §7.2), 103 of which go on top. */
export const WEB_PUSH_LIMIT = 3993

const RECORD_SIZE = 4096
/** Ends the text of the last record. */
const LAST = Uint8Array.of(2)
const KEY_INFO = utf8("WebPush: info\0")
const CONTENT_KEY_INFO = utf8("Content-Encoding: aes128gcm\0")
const NONCE_INFO = utf8("Content-Encoding: nonce\0")

/**
 * A body with the content coding `aes128gcm` (RFC 8188) and the keys of RFC 8291, in one record: salt (16), record size
 * (4), length of the key (1), the sender's public key (65), cipher text. `undefined` if the device's key is not on the
 * curve. Throws `RangeError` for a text of more than {@link WEB_PUSH_LIMIT} bytes.
 */
export function encryptWebPush(
  text: Uint8Array,
  { publicKey, auth }: WebPushKeys,
  { keyPair, salt }: WebPushRandomness = { keyPair: generateP256(), salt: nativeCrypto.randomBytes(16) },
): Uint8Array | undefined {
  if (text.length > WEB_PUSH_LIMIT) throw new RangeError("more than one push holds")
  const receiver = uncompressedP256(publicKey)
  const secret = receiver && p256Secret(keyPair.privateKey, receiver)
  if (receiver === undefined || secret === undefined) return undefined
  const ikm = hkdfSha256(auth, secret, concatBytes(KEY_INFO, receiver, keyPair.publicKey), 32)
  const key = hkdfSha256(salt, ikm, CONTENT_KEY_INFO, 16)
  // The first record is the only one, so that its number (0) changes nothing in the nonce.
  const nonce = hkdfSha256(salt, ikm, NONCE_INFO, 12)
  const sizes = Uint8Array.of(0, 0, RECORD_SIZE >> 8, RECORD_SIZE & 255, keyPair.publicKey.length)
  return concatBytes(salt, sizes, keyPair.publicKey, aes128GcmSeal(key, nonce, concatBytes(text, LAST)))
}
