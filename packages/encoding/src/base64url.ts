import { DecodeError } from "./errors.ts"

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
const PAD = 0x3d
const NOT_A_DIGIT = 0xff

const VALUES = new Uint8Array(256).fill(NOT_A_DIGIT)
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i

/** RFC 4648 §5 with `=` padding; zero bytes give an empty string (encoding.md §2.1). */
export function encodeBase64Url(bytes: Uint8Array): string {
  const text = encodeBase64UrlUnpadded(bytes)
  const missing = (4 - (text.length % 4)) % 4
  return missing === 0 ? text : text + "==".slice(0, missing)
}

/** RFC 4648 §5 without padding, as in short connection links. */
export function encodeBase64UrlUnpadded(bytes: Uint8Array): string {
  let text = ""
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff
    bits += 8
    while (bits >= 6) {
      bits -= 6
      text += ALPHABET[(held >>> bits) & 63]
    }
  }
  if (bits > 0) text += ALPHABET[(held << (6 - bits)) & 63]
  return text
}

/**
 * Bytes of a whole base64url text, padded or not. Throws `DecodeError` on another character, a length of 1 modulo 4, a
 * wrong number of `=` and on non-zero bits after the last byte.
 */
export function decodeBase64Url(text: string): Uint8Array {
  if (text === "") return new Uint8Array(0)
  const token = tokenBase64Url(text, 0)
  if (token.end !== text.length) throw new DecodeError("base64url: invalid character")
  return token.bytes
}

/**
 * The token at `start` of a longer text: as many characters of the alphabet as there are, then all `=` after them.
 * Returns its bytes and the position after it. Throws like {@link decodeBase64Url}, and on an empty token: a field that
 * may be empty is an optional field.
 */
export function tokenBase64Url(text: string, start: number): { bytes: Uint8Array; end: number } {
  let digits = start
  while (digits < text.length && digitAt(text, digits) !== NOT_A_DIGIT) digits++
  let end = digits
  while (end < text.length && text.charCodeAt(end) === PAD) end++

  const count = digits - start
  if (count === 0) throw new DecodeError("base64url: empty")
  if (count % 4 === 1) throw new DecodeError("base64url: invalid length")
  if (end !== digits && end - digits !== (4 - (count % 4)) % 4) throw new DecodeError("base64url: invalid padding")
  return { bytes: decodeDigits(text, start, count), end }
}

function decodeDigits(text: string, start: number, count: number): Uint8Array {
  const bytes = new Uint8Array(Math.floor((count * 3) / 4))
  let length = 0
  let bits = 0
  let held = 0
  for (let i = start; i < start + count; i++) {
    held = ((held << 6) | digitAt(text, i)) & 0xffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = held >>> bits
    }
  }
  if ((held & ((1 << bits) - 1)) !== 0) throw new DecodeError("base64url: non-canonical last character")
  return bytes
}

function digitAt(text: string, at: number): number {
  return VALUES[text.charCodeAt(at)] ?? NOT_A_DIGIT
}
