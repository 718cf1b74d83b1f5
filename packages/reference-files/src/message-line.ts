import { DecodeError } from "@sluice/encoding/errors"
import { formatBool } from "@sluice/encoding/strings"
import type { StoredMessage } from "@sluice/queue-store/records"
import { formatBase64, parseBase64 } from "./base64.ts"
import { type LineReader, parseLine } from "./line-reader.ts"

/** Longest body, as in the reference: what versions below 8 could send (smp.md §2.6). */
export const MAX_BODY = 16_088

/** A line of the message file. */
export interface LoggedMessage {
  readonly recipientId: Uint8Array
  readonly message: StoredMessage
}

/** `v3 <rid> <msgId> <seconds> flags=T|F <body>`, or `quota` in place of the last two; without a line feed. */
export function formatMessageLine({ recipientId, message }: LoggedMessage): string {
  const start = `v3 ${formatBase64(recipientId)} ${formatBase64(message.id)} ${message.timestamp}`
  if (message.kind === "quota") return `${start} quota`
  return `${start} flags=${formatBool(message.notify)} ${formatBase64(message.body)}`
}

/**
 * Reads {@link formatMessageLine}, and older lines without flags. An empty body, which the reference writes and cannot
 * read, is taken (relay-internals.md §10). Throws `DecodeError`.
 */
export function parseMessageLine(line: string): LoggedMessage {
  return parseLine(line, (r) => {
    r.literal("v3", "version")
    const recipientId = r.nextBytes("recipient id")
    const id = r.nextBytes("message id")
    r.space("time")
    const timestamp = r.seconds("time")
    r.space("message")
    return { recipientId, message: readContent(r, id, timestamp) }
  })
}

function readContent(r: LineReader, id: Uint8Array, timestamp: number): StoredMessage {
  if (r.peekRest() === "quota") {
    r.rest()
    return { kind: "quota", id, timestamp }
  }
  const notify = readFlags(r)
  const body = notify === undefined ? parseBase64(r.rest()) : r.bytesOrNone()
  if (body.length > MAX_BODY) throw new DecodeError("body: too long")
  return { kind: "message", id, timestamp, notify: notify ?? false, body }
}

/** The notification flag; further flags, up to the space, are those of later versions and are dropped. */
function readFlags(r: LineReader): boolean | undefined {
  if (!r.skip("flags=")) return undefined
  const notify = r.bool("flags")
  r.word()
  r.space("body")
  return notify
}
