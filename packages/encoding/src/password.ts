import { fromLatin1, latin1 } from "./bytes.ts"
import { DecodeError, EncodeError } from "./errors.ts"
import type { Reader } from "./reader.ts"
import type { Writer } from "./writer.ts"

/**
 * Printable Latin-1 without white space (U+00A0 is one), `@`, `/`, `:` and the soft hyphen U+00AD (encoding.md §2.4):
 * the ranges between those characters.
 */
const PASSWORD = /^[\u0021-\u002e\u0030-\u0039\u003b-\u003f\u0041-\u007e\u00a1-\u00ac\u00ae-\u00ff]*$/

/** Whether all characters may stand in a server's password ("basic auth"); the empty text passes. */
export function isPassword(text: string): boolean {
  return PASSWORD.test(text)
}

/** Short string, one byte a character; it may be empty on the wire, though not in an address. */
export function readPassword(r: Reader, field: string = "password"): string {
  const password = fromLatin1(r.short(field))
  if (!isPassword(password)) throw new DecodeError(`${field}: character not allowed`)
  return password
}

/** Counterpart of {@link readPassword}. Throws `EncodeError` for other characters or more than 255 of them. */
export function writePassword(w: Writer, password: string): void {
  if (!isPassword(password)) throw new EncodeError("password: character not allowed")
  w.short(latin1(password))
}
