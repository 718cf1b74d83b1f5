import type { CryptoBackend } from "@sluice/crypto/backend"
import { cbDecrypt, cbEncrypt } from "@sluice/crypto/box"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { encodeMessageList, type MessageEntry } from "./message-list.ts"

/** Length that the reference pads contents to (notifications.md §4); receivers take any. */
export const REFERENCE_PADDED_LENGTH = 3072

/** Bytes of the length before padded content. */
const PAD_PREFIX = 2

/** An encrypted content with its nonce (24 bytes): `paddedLength + 16` bytes. */
export interface SealedPush {
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
}

/** What of a registration encrypts its pushes. */
export interface PushSecret {
  readonly crypto: CryptoBackend
  /** X25519 secret of the registration, 32 bytes, raw. */
  readonly secret: Uint8Array
}

/** The content of a verification push: the code, 32 bytes. */
export function sealVerification(
  { crypto: c, secret }: PushSecret,
  nonce: Uint8Array,
  code: Uint8Array,
  paddedLength: number,
): SealedPush {
  return { nonce, ciphertext: cbEncrypt(c, secret, nonce, code, paddedLength) }
}

/** The content of a message push: as many of the newest entries as fit, oldest first. */
export function sealMessages(
  { crypto: c, secret }: PushSecret,
  nonce: Uint8Array,
  entries: readonly MessageEntry[],
  paddedLength: number,
): SealedPush {
  const list = encodeMessageList(entries, paddedLength - PAD_PREFIX)
  return { nonce, ciphertext: cbEncrypt(c, secret, nonce, list, paddedLength) }
}

/** Opens the content of a push: the code or the list; `undefined` if it is not for this secret. */
export function openPush({ crypto: c, secret }: PushSecret, { nonce, ciphertext }: SealedPush): Uint8Array | undefined {
  return cbDecrypt(c, secret, nonce, ciphertext)
}

/** What the app finds under `notificationData`; byte values are base64url with padding. */
export type NotificationData =
  | { readonly nonce: string; readonly verification: string }
  | { readonly nonce: string; readonly message: string }
  | { readonly checkMessages: true }

/** The fields of a verification push. */
export function verificationData({ nonce, ciphertext }: SealedPush): NotificationData {
  return { nonce: encodeBase64Url(nonce), verification: encodeBase64Url(ciphertext) }
}

/** The fields of a message push. */
export function messageData({ nonce, ciphertext }: SealedPush): NotificationData {
  return { nonce: encodeBase64Url(nonce), message: encodeBase64Url(ciphertext) }
}
