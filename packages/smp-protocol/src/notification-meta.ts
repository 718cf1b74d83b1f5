import type { BoxKey, CryptoBackend } from "@sluice/crypto/backend"
import { cbNonce, openPadded, sealPadded } from "@sluice/crypto/box"
import { Reader } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import { attempt } from "./attempt.ts"
import type { MsgId } from "./types.ts"

/** Padded bytes of the metadata. */
export const NOTIFICATION_META_PADDED = 128
/** Bytes of encrypted metadata in `NMSG`. */
export const NOTIFICATION_META_LENGTH = 144

/** Which message a notification is about (smp.md §4.6). */
export interface NotificationMeta {
  readonly msgId: MsgId
  /** Server time of the message in seconds. */
  readonly timestamp: number
}

/** `short message id ‖ Int64 seconds`. */
export function encodeNotificationMeta(meta: NotificationMeta): Uint8Array {
  return encodeWith((w) => w.short(meta.msgId).int64(meta.timestamp))
}

/** Reads what {@link encodeNotificationMeta} wrote; bytes after it are ignored. Throws `DecodeError`. */
export function decodeNotificationMeta(bytes: Uint8Array): NotificationMeta {
  const r = new Reader(bytes)
  return { msgId: r.short("message id"), timestamp: r.seconds("message time") }
}

/** 144 bytes for `NMSG`. `key` is the box key of the notifier's DH secret, `nonce` 24 random bytes. */
export function encryptNotificationMeta(
  c: CryptoBackend,
  key: BoxKey,
  nonce: Uint8Array,
  meta: NotificationMeta,
): Uint8Array {
  return sealPadded(c, key, cbNonce(nonce), encodeNotificationMeta(meta), NOTIFICATION_META_PADDED)
}

/** The metadata of a notification, or `undefined` if it does not decrypt or does not parse. */
export function decryptNotificationMeta(
  c: CryptoBackend,
  key: BoxKey,
  nonce: Uint8Array,
  encrypted: Uint8Array,
): NotificationMeta | undefined {
  const plain = openPadded(c, key, cbNonce(nonce), encrypted)
  return plain === undefined ? undefined : attempt(() => decodeNotificationMeta(plain))
}
