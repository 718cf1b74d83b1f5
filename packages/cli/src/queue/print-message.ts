import { encodeBase64Url } from "@sluice/encoding/base64url"
import { fromUtf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"

/** A message that was opened. */
export interface OpenedMessage {
  readonly msgId: Uint8Array
  /** Time of the relay, in seconds. */
  readonly timestamp: number
  readonly body: Uint8Array
}

/**
 * Prints a message on standard output: its bytes and a line break, or one line of JSON with `text`, or `base64` for what
 * is not UTF-8. Resolves once it is out.
 */
export function printMessage({ msgId, timestamp, body }: OpenedMessage, json: boolean): Promise<void> {
  if (!json) return write(Buffer.concat([process.stdout.isTTY ? harmless(body) : body, Buffer.from("\n")]))
  const about = { id: encodeBase64Url(msgId), time: new Date(timestamp * 1000).toISOString() }
  return write(`${JSON.stringify({ ...about, ...content(body) })}\n`)
}

function content(body: Uint8Array): { readonly text: string } | { readonly base64: string } {
  try {
    return { text: fromUtf8(body) }
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return { base64: Buffer.from(body).toString("base64") }
  }
}

/** Others wrote the message: on a terminal it must not move the cursor, or worse. */
function harmless(body: Uint8Array): Uint8Array {
  return Buffer.from(
    Buffer.from(body)
      .toString("utf8")
      .replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, "?"),
  )
}

function write(data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => (error ? reject(error) : resolve()))
  })
}
