import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { decodeWhole } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import { readError, readNetworkError, type TextStyle, writeError, writeNetworkError } from "./error-grammar.ts"
import type { NetworkError, SmpError } from "./errors.ts"

/** Free texts take the rest of the text. */
const text: TextStyle = {
  read: (r) => fromUtf8(r.tail()),
  write: (w, value) => {
    w.raw(utf8(value))
  },
}

/** String form of an error, as in logs. Details of network errors are dropped, as on the wire. */
export function formatSmpError(error: SmpError): string {
  return fromUtf8(encodeWith((w) => writeError(w, error, text)))
}

/** Reads the string form. Throws `DecodeError`. Unlike the reference it reads `BLOCKED` back. */
export function parseSmpError(value: string): SmpError {
  return decodeWhole(utf8(value), (r) => readError(r, text))
}

/** String form of a network error, with its details. */
export function formatNetworkError(error: NetworkError): string {
  return fromUtf8(encodeWith((w) => writeNetworkError(w, error, text)))
}

/** Reads the string form of a network error. Throws `DecodeError`. */
export function parseNetworkError(value: string): NetworkError {
  return decodeWhole(utf8(value), (r) => readNetworkError(r, text))
}
