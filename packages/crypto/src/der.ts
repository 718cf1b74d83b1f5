import { concatBytes, fromLatin1, latin1, utf8 } from "@sluice/encoding/bytes"
import { DecodeError, EncodeError } from "@sluice/encoding/errors"

/** The DER tags that certificates need, constructed bit included. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** Tag of an explicit, context-specific element: `[n]`. */
export function contextTag(n: number): number {
  return 0xa0 | n
}

/**
 * Reads DER front to back. Strict: one-byte tags, definite lengths in their shortest form, nothing past the end; all
 * else is a `DecodeError`. What it returns are views. The `field` arguments name the element in errors; pass literals.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #offset: number

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#offset = 0
    this.#end = bytes.length
  }

  get done(): boolean {
    return this.#offset === this.#end
  }

  /** Whether the next element has this tag. */
  nextIs(tag: number): boolean {
    return !this.done && this.#bytes[this.#offset] === tag
  }

  /** Content of the next element, which must have this tag. */
  content(tag: number, field: string): Uint8Array {
    const start = this.#header(tag, field)
    return this.#view(start, this.#offset)
  }

  /** The next element with its tag and length, which must have this tag. */
  element(tag: number, field: string): Uint8Array {
    const start = this.#offset
    this.#header(tag, field)
    return this.#view(start, this.#offset)
  }

  /** A reader of the content of the next element. */
  nested(tag: number, field: string): DerReader {
    return new DerReader(this.content(tag, field))
  }

  sequence(field: string): DerReader {
    return this.nested(TAG.sequence, field)
  }

  /** Reads a whole value by `read` if the next element has this tag. */
  optional<T>(tag: number, read: (r: DerReader) => T): T | undefined {
    return this.nextIs(tag) ? read(this) : undefined
  }

  boolean(field: string): boolean {
    const content = this.content(TAG.boolean, field)
    const value = content[0]
    if (content.length !== 1 || (value !== 0 && value !== 0xff)) throw new DecodeError(`${field}: invalid BOOLEAN`)
    return value === 0xff
  }

  /** Content of an INTEGER: two's complement, big-endian, shortest form. */
  integer(field: string): Uint8Array {
    const content = this.content(TAG.integer, field)
    const [first, second] = content
    const padded = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))
    if (first === undefined || padded) throw new DecodeError(`${field}: invalid INTEGER`)
    return content
  }

  /** An INTEGER from 0 to 127. */
  smallInteger(field: string): number {
    const content = this.integer(field)
    const value = content[0]
    if (value === undefined || value > 127 || content.length > 1) throw new DecodeError(`${field}: out of range`)
    return value
  }

  /** Content of a BIT STRING without unused bits. */
  bitString(field: string): Uint8Array {
    const content = this.content(TAG.bitString, field)
    if (content[0] !== 0) throw new DecodeError(`${field}: unused bits in BIT STRING`)
    return content.subarray(1)
  }

  /** Checks that nothing is left. */
  end(field: string): void {
    if (!this.done) throw new DecodeError(`${field}: trailing bytes`)
  }

  /** Consumes the element; returns where its content starts. It ends at the new offset. */
  #header(tag: number, field: string): number {
    if (!this.nextIs(tag)) throw new DecodeError(`${field}: unexpected element`)
    let at = this.#offset + 1
    let length = this.#byte(at++, field)
    if (length >= 0x80) {
      const count = length - 0x80
      if (count < 1 || count > 3) throw new DecodeError(`${field}: invalid length`)
      length = 0
      for (let i = 0; i < count; i++) length = length * 256 + this.#byte(at++, field)
      if (length < 0x80 || length < 256 ** (count - 1)) throw new DecodeError(`${field}: length not in shortest form`)
    }
    if (length > this.#end - at) throw new DecodeError(`${field}: not enough input`)
    this.#offset = at + length
    return at
  }

  #byte(at: number, field: string): number {
    const byte = this.#bytes[at]
    if (byte === undefined) throw new DecodeError(`${field}: not enough input`)
    return byte
  }

  #view(start: number, end: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start)
  }
}

/** Decodes one element that must fill its input completely. */
export function decodeDer<T>(bytes: Uint8Array, field: string, read: (r: DerReader) => T): T {
  const r = new DerReader(bytes)
  const value = read(r)
  r.end(field)
  return value
}

/** One element: tag, length, and the parts one after the other. Throws `EncodeError` over 16 MiB. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(...parts)
  return concatBytes(Uint8Array.of(tag, ...derLength(content.length)), content)
}

function derLength(length: number): number[] {
  if (length < 0x80) return [length]
  if (length < 0x100) return [0x81, length]
  if (length < 0x1_0000) return [0x82, length >>> 8, length & 0xff]
  if (length < 0x100_0000) return [0x83, length >>> 16, (length >>> 8) & 0xff, length & 0xff]
  throw new EncodeError("DER: content too long")
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(TAG.sequence, ...parts)
}

/** An INTEGER of an unsigned big-endian number of any length. */
export function derUnsigned(bytes: Uint8Array): Uint8Array {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const digits = bytes.subarray(start)
  const first = digits[0] ?? 0
  return first >= 0x80 || digits.length === 0 ? der(TAG.integer, Uint8Array.of(0), digits) : der(TAG.integer, digits)
}

export function derBoolean(value: boolean): Uint8Array {
  return der(TAG.boolean, Uint8Array.of(value ? 0xff : 0))
}

/** A BIT STRING of whole bytes. */
export function derBitString(bytes: Uint8Array): Uint8Array {
  return der(TAG.bitString, Uint8Array.of(0), bytes)
}

/** A BIT STRING of named bits, bit `n` of `mask` being the n-th of the string; trailing zero bits are left out. */
export function derNamedBits(mask: number): Uint8Array {
  if (mask === 0) return der(TAG.bitString, Uint8Array.of(0))
  const count = 32 - Math.clz32(mask)
  const content = new Uint8Array(1 + Math.ceil(count / 8))
  content[0] = (8 - (count % 8)) % 8
  for (let bit = 0; bit < count; bit++) {
    if ((mask & (1 << bit)) !== 0) content[1 + (bit >>> 3)] = (content[1 + (bit >>> 3)] ?? 0) | (0x80 >>> (bit & 7))
  }
  return der(TAG.bitString, content)
}

/** Reads named bits as a mask of at most 16 bits. Throws `DecodeError`. */
export function readNamedBits(r: DerReader, field: string): number {
  const content = r.content(TAG.bitString, field)
  const unused = content[0]
  if (unused === undefined || unused > 7 || content.length > 3) throw new DecodeError(`${field}: invalid BIT STRING`)
  let mask = 0
  const count = (content.length - 1) * 8 - unused
  for (let bit = 0; bit < count; bit++) {
    if (((content[1 + (bit >>> 3)] ?? 0) & (0x80 >>> (bit & 7))) !== 0) mask |= 1 << bit
  }
  return mask
}

export function derUtf8(text: string): Uint8Array {
  return der(TAG.utf8String, utf8(text))
}

const UTC_TIME_ENDS = Date.UTC(2050, 0) / 1000
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000

/** A Time of RFC 5280 from Unix seconds: UTCTime before 2050, GeneralizedTime from then on, at most the year 9999. */
export function derTime(seconds: number): Uint8Array {
  const digits = new Date(Math.min(seconds, LAST_TIME) * 1000).toISOString().replace(/\.\d+|[-:T]/g, "")
  return seconds < UTC_TIME_ENDS ? der(TAG.utcTime, latin1(digits.slice(2))) : der(TAG.generalizedTime, latin1(digits))
}

/** Reads a Time of RFC 5280 as Unix seconds. Throws `DecodeError` on anything but `YYMMDDhhmmssZ`, `YYYYMMDDhhmmssZ`. */
export function readTime(r: DerReader, field: string): number {
  const short = r.nextIs(TAG.utcTime)
  let digits = fromLatin1(r.content(short ? TAG.utcTime : TAG.generalizedTime, field))
  if (short) digits = (digits < "5" ? "20" : "19") + digits
  const match = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(digits)
  if (match === null) throw new DecodeError(`${field}: invalid time`)
  const [, year, month, day, hour, minute, second] = match
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const milliseconds = Date.parse(text)
  // Dates that do not exist either fail to parse or come out as another date.
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString() !== text) {
    throw new DecodeError(`${field}: invalid time`)
  }
  return milliseconds / 1000
}
