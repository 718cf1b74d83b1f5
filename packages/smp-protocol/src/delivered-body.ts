import { type BoxKey, type CryptoBackend, NONCE_SIZE, TAG_SIZE } from "@sluice/crypto/backend"
import { cbNonce, openPadded } from "@sluice/crypto/box"
import { EMPTY } from "@sluice/encoding/bytes"
import { PAD_PREFIX, padInPlace } from "@sluice/encoding/padding"
import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"
import { attempt } from "./attempt.ts"
import type { BatchItem } from "./batch.ts"
import { readMessageFlags, writeMessageFlags } from "./message-flags.ts"
import { type TransmissionParams, writeIds } from "./transmission.ts"
import type { CorrId, EntityId, MsgId } from "./types.ts"

/** Padded bytes of the content, in every version. */
export const DELIVERED_PADDED = 16_106
/** Bytes of the body of `MSG`: content padded and encrypted. */
export const DELIVERED_LENGTH = 16_122

/** What the body of `MSG` says (smp.md §5.1); a stored message of the server fits. */
export type DeliveredContent =
  | {
      readonly kind: "message"
      /** Server time in seconds. */
      readonly timestamp: number
      /** The sender's notification flag. */
      readonly notify: boolean
      /** As sent, up to 16088 bytes. */
      readonly body: Uint8Array
    }
  /** The queue was full and the sender was told so; there may be gaps before the next message. */
  | { readonly kind: "quota"; readonly timestamp: number }

/** Where the nonce of a body is handed to native code: a message ID itself would get a buffer of its own by that. */
const NONCE = new Uint8Array(NONCE_SIZE)

const QUOTA = "QUOTA "
const QUOTA_BYTES: readonly number[] = Array.from(QUOTA, (character) => character.charCodeAt(0))

/** Content before padding: `Int64 seconds ‖ flag ‖ space ‖ body`, or `QUOTA ` and `Int64 seconds`. */
export function encodeDelivered(content: DeliveredContent): Uint8Array {
  const w = new Writer()
  writeDelivered(w, content)
  return w.finish()
}

function writeDelivered(w: Writer, content: DeliveredContent): void {
  if (content.kind === "quota") {
    w.ascii(QUOTA).int64(content.timestamp)
    return
  }
  w.int64(content.timestamp)
  writeMessageFlags(w, { notification: content.notify })
  w.raw(content.body)
}

/** Reads un-padded content; the body is a view. Throws `DecodeError`. */
export function decodeDelivered(bytes: Uint8Array): DeliveredContent {
  const r = new Reader(bytes)
  // No time of a real message starts with these letters: it would be some 90 billion years away.
  if (QUOTA_BYTES.every((byte, i) => bytes[i] === byte)) {
    r.take(QUOTA.length, "quota marker")
    const timestamp = r.seconds("message time")
    r.end()
    return { kind: "quota", timestamp }
  }
  const timestamp = r.seconds("message time")
  const { notification } = readMessageFlags(r)
  return { kind: "message", timestamp, notify: notification, body: r.tail() }
}

/**
 * Encrypts the body of `MSG` into `out`, 16122 bytes. `key` is the box key of the queue's DH secret. The one copy that
 * is made of the message puts it into `out`, where it is then encrypted in place. Throws `EncodeError` for a body over
 * 16094 bytes.
 */
export function encryptDeliveredInto(
  c: CryptoBackend,
  key: BoxKey,
  msgId: MsgId,
  content: DeliveredContent,
  out: Uint8Array,
): void {
  const block = out.subarray(TAG_SIZE)
  const w = new Writer(block.subarray(PAD_PREFIX))
  writeDelivered(w, content)
  padInPlace(block, w.length)
  if (msgId.length !== NONCE_SIZE) {
    c.seal(key, cbNonce(msgId), block, out)
    return
  }
  NONCE.set(msgId)
  c.seal(key, NONCE, block, out)
}

/** The body of `MSG` in a new array of 16122 bytes. */
export function encryptDelivered(c: CryptoBackend, key: BoxKey, msgId: MsgId, content: DeliveredContent): Uint8Array {
  const body = new Uint8Array(DELIVERED_LENGTH)
  encryptDeliveredInto(c, key, msgId, content, body)
  return body
}

/** What the body of a `MSG` says, or `undefined` if it does not decrypt or does not parse. The body is a new array. */
export function decryptDelivered(
  c: CryptoBackend,
  key: BoxKey,
  msgId: MsgId,
  body: Uint8Array,
): DeliveredContent | undefined {
  const plain = openPadded(c, key, cbNonce(msgId), body)
  return plain === undefined ? undefined : attempt(() => decodeDelivered(plain))
}

/** A message on its way to the recipient. */
export interface Delivery {
  /** Of the command that is answered; empty for events. */
  readonly corrId: CorrId
  readonly recipientId: EntityId
  readonly msgId: MsgId
  /** Box key of the queue's DH secret. */
  readonly key: BoxKey
  readonly content: DeliveredContent
}

/** A `MSG` transmission of a server that is encrypted only when it is written, directly into its block. */
export function deliveryItem(c: CryptoBackend, params: TransmissionParams, delivery: Delivery): BatchItem {
  const { corrId, recipientId, msgId, key, content } = delivery
  const w = new Writer().short(EMPTY)
  writeIds(w, params, corrId, recipientId)
  const header = w.ascii("MSG ").short(msgId).finish()
  return {
    length: header.length + DELIVERED_LENGTH,
    writeTo(out) {
      out.set(header)
      encryptDeliveredInto(c, key, msgId, content, out.subarray(header.length))
    },
  }
}
