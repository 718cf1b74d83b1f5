import { type BoxKey, type CryptoBackend, NONCE_SIZE } from "@sluice/crypto/backend"
import { openPadded, sealPadded } from "@sluice/crypto/box"
import { type AuthKey, readKey, writeKey, type X25519Key } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { encodeWith } from "@sluice/encoding/writer"
import { attempt } from "./attempt.ts"

/*
 * What the body of `SEND` holds, between the two clients of a queue (encoding.md §3, smp.md §9). Servers never look
 * inside.
 */

/** Padded bytes of an ordinary message. */
export const MESSAGE_PADDED = 16_000
/** Padded bytes of a confirmation, whose envelope carries a key. */
export const CONFIRMATION_PADDED = 15_904

/** The envelope: everything in clear that the recipient needs for decrypting. */
export interface ClientEnvelope {
  /** Version of the client layer, 1 to 4. */
  readonly version: Version
  /** The sender's key for the end-to-end secret of the queue; in confirmations only. */
  readonly key?: X25519Key | undefined
  /** 24 random bytes. */
  readonly nonce: Uint8Array
  readonly encrypted: Uint8Array
}

/** `u16 version ‖ Maybe key ‖ nonce ‖ encrypted`: 16043 bytes for a message, 15992 for a confirmation. */
export function encodeClientEnvelope(envelope: ClientEnvelope): Uint8Array {
  const { version, key, nonce, encrypted } = envelope
  return encodeWith((w) => {
    w.u16(version).maybe(key, writeKey).raw(nonce).raw(encrypted)
  }, encrypted.length + 128)
}

/** Reads the body of a message; nonce and encrypted part are views. Throws `DecodeError`. */
export function decodeClientEnvelope(body: Uint8Array): ClientEnvelope {
  const r = new Reader(body)
  const version = r.u16("client version")
  const key = r.maybe((item) => readKey(item, "x25519", "sender DH key"), "sender DH key")
  return { version, key, nonce: r.take(NONCE_SIZE, "nonce"), encrypted: r.tail() }
}

/** The encrypted part. */
export interface ClientMessage {
  /** A key that the recipient is asked to secure the queue with; in the first confirmation only. */
  readonly senderKey?: AuthKey | undefined
  /** Encoding of the layer above. */
  readonly body: Uint8Array
}

const EMPTY_HEADER = 0x5f // "_"
const KEY_HEADER = 0x4b // "K"

/** `_ ‖ body`, or `K ‖ short key ‖ body`. */
export function encodeClientMessage(message: ClientMessage): Uint8Array {
  const { senderKey, body } = message
  return encodeWith((w) => {
    if (senderKey === undefined) w.u8(EMPTY_HEADER)
    else writeKey(w.u8(KEY_HEADER), senderKey)
    w.raw(body)
  }, body.length + 80)
}

/** Reads the un-padded content of the encrypted part; the body is a view. Throws `DecodeError`. */
export function decodeClientMessage(bytes: Uint8Array): ClientMessage {
  const r = new Reader(bytes)
  switch (r.u8("header")) {
    case EMPTY_HEADER:
      return { body: r.tail() }
    case KEY_HEADER:
      return { senderKey: readKey(r, "auth", "sender key"), body: r.tail() }
    default:
      throw new DecodeError("header: unknown")
  }
}

/**
 * A whole body for `SEND`. `boxKey` is that of the end-to-end secret of the queue, `paddedLength` one of the two above.
 * Throws `EncodeError` if the message is too long for it.
 */
export function sealClientMessage(
  c: CryptoBackend,
  boxKey: BoxKey,
  envelope: Omit<ClientEnvelope, "encrypted">,
  message: ClientMessage,
  paddedLength: number,
): Uint8Array {
  const encrypted = sealPadded(c, boxKey, envelope.nonce, encodeClientMessage(message), paddedLength)
  return encodeClientEnvelope({ ...envelope, encrypted })
}

/** Opens the encrypted part of an envelope; `undefined` if it does not decrypt or does not parse. */
export function openClientMessage(
  c: CryptoBackend,
  boxKey: BoxKey,
  envelope: ClientEnvelope,
): ClientMessage | undefined {
  const plain = openPadded(c, boxKey, envelope.nonce, envelope.encrypted)
  return plain === undefined ? undefined : attempt(() => decodeClientMessage(plain))
}
