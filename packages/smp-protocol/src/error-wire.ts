import { fromLatin1, latin1 } from "@sluice/encoding/bytes"
import { decodeWhole, type Reader } from "@sluice/encoding/reader"
import { encodeWith, type Writer } from "@sluice/encoding/writer"
import {
  readError,
  readNetworkError,
  readTransportCode,
  type TextStyle,
  writeError,
  writeNetworkError,
} from "./error-grammar.ts"
import type { NetworkError, SmpError, TransportErrorCode } from "./errors.ts"

/** Free texts as short strings, one character a byte. */
const wire: TextStyle = {
  read: (r) => fromLatin1(r.short("error text")),
  write: (w, text) => {
    w.short(latin1(text))
  },
}

/** Reads the error after `ERR `, up to the end of the input. Throws `DecodeError`. */
export function readSmpError(r: Reader): SmpError {
  return readError(r, wire)
}

/** Appends the error after `ERR `. It is written as it is; see `versioned`. */
export function writeSmpError(w: Writer, error: SmpError): void {
  writeError(w, error, wire)
}

/** The bytes of an error, without `ERR `. */
export function encodeSmpError(error: SmpError): Uint8Array {
  return encodeWith((w) => writeSmpError(w, error))
}

/** Reads the bytes of an error, without `ERR `. Throws `DecodeError`. */
export function decodeSmpError(bytes: Uint8Array): SmpError {
  return decodeWhole(bytes, readSmpError)
}

/** The bytes of a network error with its details. */
export function encodeNetworkError(error: NetworkError): Uint8Array {
  return encodeWith((w) => writeNetworkError(w, error, wire))
}

/** Reads the bytes of a network error. Throws `DecodeError`. */
export function decodeNetworkError(bytes: Uint8Array): NetworkError {
  return decodeWhole(bytes, (r) => readNetworkError(r, wire))
}

/** The bytes of a transport error (transport.md §6). */
export function encodeTransportError(error: TransportErrorCode): Uint8Array {
  return encodeWith((w) => w.ascii(error))
}

/** Reads the bytes of a transport error. Throws `DecodeError`. */
export function decodeTransportError(bytes: Uint8Array): TransportErrorCode {
  return decodeWhole(bytes, readTransportCode)
}
