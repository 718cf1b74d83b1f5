import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { formatNotifierQueue, type NotifierQueue, parseNotifierQueue } from "./notifier-queue.ts"

/** One entry of the list in a message push (notifications.md §4.1). */
export interface MessageEntry {
  readonly queue: NotifierQueue
  /** When the notification server got it, Unix seconds. */
  readonly time: number
  /** Nonce of the relay's `NMSG`, 24 bytes. */
  readonly nonce: Uint8Array
  /** Metadata from the relay, that only the queue's recipient can open; 144 bytes. */
  readonly meta: Uint8Array
}

/** Most entries of a list. */
export const MOST_ENTRIES = 6

const SEPARATOR = ";"
const NONCE_LENGTH = 24
const DIGITS = /^\d{1,15}$/

/** The text of one entry: fields joined by spaces. */
export function formatMessageEntry({ queue, time, nonce, meta }: MessageEntry): string {
  return `${formatNotifierQueue(queue)} ${time} ${encodeBase64Url(nonce)} ${encodeBase64Url(meta)}`
}

/**
 * The plain text of a message push, at most `maxLength` bytes: entries as they are given, oldest first. When they do not
 * fit, the oldest are left out. Empty if not even the last one fits.
 */
export function encodeMessageList(entries: readonly MessageEntry[], maxLength: number): Uint8Array {
  const texts: string[] = []
  let length = 0
  for (const entry of entries.toReversed()) {
    const text = formatMessageEntry(entry)
    const size = text.length + (texts.length > 0 ? SEPARATOR.length : 0)
    if (length + size > maxLength) break
    texts.push(text)
    length += size
  }
  return utf8(texts.reverse().join(SEPARATOR))
}

/** Reads the plain text of a message push: one entry or more. Throws `DecodeError`. */
export function decodeMessageList(plaintext: Uint8Array): MessageEntry[] {
  return fromUtf8(plaintext).split(SEPARATOR).map(parseEntry)
}

function parseEntry(text: string): MessageEntry {
  const [queue, time, nonce, meta, ...rest] = text.split(" ")
  if (queue === undefined || time === undefined || nonce === undefined || meta === undefined || rest.length > 0) {
    throw new DecodeError("message list: an entry has four fields")
  }
  if (!DIGITS.test(time)) throw new DecodeError("message list: not a time")
  const nonceBytes = decodeBase64Url(nonce)
  if (nonceBytes.length !== NONCE_LENGTH) throw new DecodeError("message list: a nonce has 24 bytes")
  return { queue: parseNotifierQueue(queue), time: Number(time), nonce: nonceBytes, meta: decodeBase64Url(meta) }
}
