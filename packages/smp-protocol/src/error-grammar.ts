import { fromLatin1, fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"
import { formatNotice, parseNotice } from "./client-notice.ts"
import { isCommandErrorCode, isPlainErrorType, isTransportErrorCode } from "./error-codes.ts"
import type {
  BlockingInfo,
  BrokerError,
  CommandErrorCode,
  NameError,
  NetworkError,
  ProxyError,
  SmpError,
  TransportErrorCode,
} from "./errors.ts"

/**
 * Errors are words joined by single spaces. The wire form and the string form differ only in the free texts of broker
 * and network errors: short strings on the wire, the rest of the text in strings.
 */
export interface TextStyle {
  read(r: Reader): string
  write(w: Writer, text: string): void
}

const SPACE = 0x20

/** `PROXY PROTOCOL` can hold any error, itself too; real ones go two deep. The limit keeps the stack bounded. */
const DEEPEST = 16

/** Reads an error up to where it ends; the caller checks that nothing follows. */
export function readError(r: Reader, style: TextStyle, depth: number = 0): SmpError {
  if (depth > DEEPEST) throw new DecodeError("error: nested too deeply")
  const type = word(r)
  switch (type) {
    case "CMD":
      return { type, error: readCommandCode(argument(r)) }
    case "PROXY":
      return { type, error: readProxyError(argument(r), style, depth) }
    case "BLOCKED":
      return { type, ...readBlockingInfo(argument(r)) }
    case "STORE":
      return { type, text: lenientUtf8(argument(r).tail()) }
    case "NAME":
      return { type, error: readNameError(argument(r)) }
    default:
      if (isPlainErrorType(type)) return { type }
      throw new DecodeError("error: unknown")
  }
}

/** Appends the text of an error. */
export function writeError(w: Writer, error: SmpError, style: TextStyle): void {
  w.ascii(error.type)
  switch (error.type) {
    case "CMD":
      w.space().ascii(error.error)
      break
    case "PROXY":
      writeProxyError(w.space(), error.error, style)
      break
    case "BLOCKED":
      writeBlockingInfo(w.space(), error)
      break
    case "STORE":
      w.space().raw(utf8(error.text))
      break
    case "NAME":
      writeNameError(w.space(), error.error)
      break
    default:
      break
  }
}

function readCommandCode(r: Reader): CommandErrorCode {
  const code = word(r)
  if (code === "NO_QUEUE") return "NO_ENTITY" // its name in old versions
  if (isCommandErrorCode(code)) return code
  throw new DecodeError("CMD error: unknown")
}

function readProxyError(r: Reader, style: TextStyle, depth: number): ProxyError {
  const type = word(r)
  switch (type) {
    case "PROTOCOL":
      return { type, error: readError(argument(r), style, depth + 1) }
    case "BROKER":
      return { type, error: readBrokerError(argument(r), style) }
    case "BASIC_AUTH":
    case "NO_SESSION":
      return { type }
    default:
      throw new DecodeError("PROXY error: unknown")
  }
}

function writeProxyError(w: Writer, error: ProxyError, style: TextStyle): void {
  w.ascii(error.type)
  if (error.type === "PROTOCOL") writeError(w.space(), error.error, style)
  else if (error.type === "BROKER") writeBrokerError(w.space(), error.error, style)
}

function readBrokerError(r: Reader, style: TextStyle): BrokerError {
  const type = word(r)
  switch (type) {
    case "RESPONSE":
    case "UNEXPECTED":
      return { type, text: style.read(argument(r)) }
    case "NETWORK":
      return { type, error: r.remaining === 0 ? { type: "FAILED" } : readNetworkError(argument(r), style) }
    case "TRANSPORT":
      return { type, error: readTransportCode(argument(r)) }
    case "TIMEOUT":
    case "HOST":
    case "NO_SERVICE":
      return { type }
    default:
      throw new DecodeError("broker error: unknown")
  }
}

/** Details of a network error are not written: old clients do not know them (smp.md §7). */
function writeBrokerError(w: Writer, error: BrokerError, style: TextStyle): void {
  w.ascii(error.type)
  if (error.type === "RESPONSE" || error.type === "UNEXPECTED") style.write(w.space(), error.text)
  else if (error.type === "TRANSPORT") w.space().ascii(error.error)
}

/** Reads the details of a network error. */
export function readNetworkError(r: Reader, style: TextStyle): NetworkError {
  const type = word(r)
  switch (type) {
    case "CONNECT":
    case "TLS":
    case "SUBSCRIBE":
      return { type, text: style.read(argument(r)) }
    case "UNKNOWNCA":
    case "FAILED":
    case "TIMEOUT":
      return { type }
    default:
      throw new DecodeError("network error: unknown")
  }
}

/** Appends the details of a network error. */
export function writeNetworkError(w: Writer, error: NetworkError, style: TextStyle): void {
  w.ascii(error.type)
  if ("text" in error) style.write(w.space(), error.text)
}

/** Reads a transport error, one or two words, that fills the rest of the input. */
export function readTransportCode(r: Reader): TransportErrorCode {
  const code = fromLatin1(r.tail())
  if (isTransportErrorCode(code)) return code
  throw new DecodeError("transport error: unknown")
}

function readNameError(r: Reader): NameError {
  const type = word(r)
  switch (type) {
    case "RESOLVER":
      return { type, text: lenientUtf8(argument(r).tail()) }
    case "NO_RESOLVER":
    case "NOT_FOUND":
      return { type }
    default:
      throw new DecodeError("NAME error: unknown")
  }
}

function writeNameError(w: Writer, error: NameError): void {
  w.ascii(error.type)
  if (error.type === "RESOLVER") w.space().raw(utf8(error.text))
}

const NOTICE = ",notice="

/** `reason=spam` or `reason=content`, then optionally `,notice=` and JSON that takes the rest. */
function readBlockingInfo(r: Reader): BlockingInfo {
  const text = fromUtf8(r.tail())
  const at = text.indexOf(NOTICE)
  const reason = at < 0 ? text : text.slice(0, at)
  const notice = at < 0 ? undefined : parseNotice(text.slice(at + NOTICE.length))
  if (reason === "reason=spam") return { reason: "spam", notice }
  if (reason === "reason=content") return { reason: "content", notice }
  throw new DecodeError("BLOCKED error: unknown reason")
}

function writeBlockingInfo(w: Writer, info: BlockingInfo): void {
  w.ascii(`reason=${info.reason}`)
  if (info.notice !== undefined) w.ascii(NOTICE).ascii(formatNotice(info.notice))
}

/** Everything up to the next space or the end. */
function word(r: Reader): string {
  return fromLatin1(r.takeUntil(SPACE))
}

/** The same reader after the space that must come before a parameter. */
function argument(r: Reader): Reader {
  r.space("error")
  return r
}

const REPLACEMENT = /\ufffd/g

/** UTF-8 in which `?` takes the place of what is invalid. */
function lenientUtf8(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes)
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).replace(REPLACEMENT, "?")
  }
}
