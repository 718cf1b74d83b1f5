import { DecodeError, EncodeError } from "./errors.ts"

/** Bytes as they appear in all public types. Decoders return views on their input, not copies. */
export type Bytes = Uint8Array

/** Zero bytes. */
export const EMPTY: Uint8Array = new Uint8Array(0)

/** The little that is used of Node's `Buffer`, where there is one; browsers take the portable branches. */
interface NodeBuffer {
  from(buffer: ArrayBufferLike, offset: number, length: number): { toString(encoding: "hex"): string }
  prototype: { latin1Slice?(start: number, end: number): string }
}

const nodeBuffer = (globalThis as { Buffer?: NodeBuffer }).Buffer
const latin1Slice = nodeBuffer?.prototype.latin1Slice

/** Whether both hold the same bytes. Returns early on a difference: never use it to compare secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** All parts, one after the other, in a new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

const HEX_PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  if (nodeBuffer !== undefined) {
    return nodeBuffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")
  }
  let text = ""
  for (const byte of bytes) text += HEX_PAIRS[byte]
  return text
}

/** Bytes of hexadecimal text in either case. Throws `DecodeError` on an odd length or another character. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new DecodeError("hex: odd number of digits")
  const bytes = new Uint8Array(text.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const value = hexDigit(text.charCodeAt(2 * i)) * 16 + hexDigit(text.charCodeAt(2 * i + 1))
    if (Number.isNaN(value)) throw new DecodeError("hex: not a digit")
    bytes[i] = value
  }
  return bytes
}

/** Value of one hexadecimal digit given as a character code, `NaN` for any other character. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN
}

const utf8Encoder = new TextEncoder()
// ignoreBOM keeps a leading U+FEFF as a character: dropping it would make the decoded text encode differently.
const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of a text. Throws `EncodeError` when it contains half of a surrogate pair, which UTF-8 cannot express. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new EncodeError("text: lone surrogate")
  return utf8Encoder.encode(text)
}

/** Text of UTF-8 bytes. Throws `DecodeError` when they are not valid UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    throw new DecodeError("text: invalid UTF-8")
  }
}

/**
 * One byte a character: the low byte of its code point, so only U+0000..U+00FF survive (encoding.md §1.1, Char and
 * 8-bit strings).
 */
export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i)
    if (code >= 0xd800 && code <= 0xdbff) {
      code = text.codePointAt(i) ?? code
      if (code > 0xffff) i++ // a surrogate pair is one character
    }
    bytes[length++] = code
  }
  return length === bytes.length ? bytes : bytes.slice(0, length)
}

/** One character (U+0000..U+00FF) a byte. Any bytes can be shown like this and read back with {@link latin1}. */
export function fromLatin1(bytes: Uint8Array): string {
  if (latin1Slice !== undefined) return latin1Slice.call(bytes, 0, bytes.length)
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

/** A `Map` key for an ID: equal bytes give equal keys. It is binary text; do not print or log it. */
export function idKey(id: Uint8Array): string {
  return fromLatin1(id)
}
