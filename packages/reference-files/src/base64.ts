import { DecodeError } from "@sluice/encoding/errors"

/**
 * base64url of encoding.md §2.1, as strict as the encoding package's, by Node's own code: a message body of 16 KB takes
 * 4 µs to read and 2 µs to write instead of 100 and 230, which is what the time of a large import is made of.
 */

/** Padded text. */
export function formatBase64(bytes: Uint8Array): string {
  return padded(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url"))
}

/** Bytes of a whole token, padded or not, at least one. Throws `DecodeError` on anything that is not canonical. */
export function parseBase64(token: string): Uint8Array {
  if (token === "") throw new DecodeError("base64url: empty")
  const bytes = Buffer.from(token, "base64url")
  // Node's decoder skips what it does not know; only text that comes out again was whole.
  const digits = bytes.toString("base64url")
  if (bytes.length === 0 || (token !== digits && token !== padded(digits))) throw new DecodeError("base64url: invalid")
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

function padded(digits: string): string {
  return digits + "===".slice(0, (4 - (digits.length % 4)) % 4)
}
