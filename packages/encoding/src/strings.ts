import { tokenBase64Url } from "./base64url.ts"
import { DecodeError } from "./errors.ts"
import { parseUtcTime, type UtcTime } from "./time.ts"

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
/** Digits of 2^63, leading zeros not counted: longer numbers are refused before they are converted. */
const MAX_DIGITS = 19

/**
 * Reads the string encodings of encoding.md §2.2 from a text, front to back, as `Reader` reads the binary
 * ones: every method consumes exactly its form or throws `DecodeError`.
 *
 * It works on characters. Whoever starts from bytes decides whether they are UTF-8 or one byte a character.
 */
export class TextReader {
  readonly #text: string
  #offset: number

  constructor(text: string, offset: number = 0) {
    this.#text = text
    this.#offset = offset
  }

  /** Position of the next character (UTF-16 unit). */
  get offset(): number {
    return this.#offset
  }

  /** Next character without consuming it, `undefined` at the end. */
  peek(): string | undefined {
    return this.#text[this.#offset]
  }

  /** Exactly these characters. */
  literal(expected: string, field: string): void {
    if (!this.#text.startsWith(expected, this.#offset)) throw new DecodeError(`${field}: not as expected`)
    this.#offset += expected.length
  }

  /** Any one character. */
  char(field: string): string {
    const char = this.#text[this.#offset]
    if (char === undefined) throw new DecodeError(`${field}: not enough input`)
    this.#offset++
    return char
  }

  /** `T` or `F`. */
  bool(field: string): boolean {
    const char = this.char(field)
    if (char === "T") return true
    if (char === "F") return false
    throw new DecodeError(`${field}: invalid Bool`)
  }

  /** Decimal digits of a value up to 65535; leading zeros are allowed. */
  u16(field: string): number {
    return this.#unsigned(0xffff, field)
  }

  /** Decimal digits of a value up to 2^32-1; leading zeros are allowed. */
  u32(field: string): number {
    return this.#unsigned(0xffff_ffff, field)
  }

  /** Decimal digits with an optional `+` or `-` before them, of a signed 64-bit value. */
  int64(field: string): bigint {
    const sign = this.peek()
    if (sign === "+" || sign === "-") this.#offset++
    const magnitude = BigInt(this.#digits(field))
    const value = sign === "-" ? -magnitude : magnitude
    if (value < INT64_MIN || value > INT64_MAX) throw new DecodeError(`${field}: number out of range`)
    return value
  }

  /** SystemTime: seconds since the Unix epoch as a signed decimal number that a `number` holds exactly. */
  seconds(field: string): number {
    const value = Number(this.int64(field))
    if (!Number.isSafeInteger(value)) throw new DecodeError(`${field}: time out of range`)
    return value
  }

  /** UTCTime: ISO 8601, ends where an item ends. */
  utcTime(): UtcTime {
    return parseUtcTime(this.item())
  }

  /** ByteString: one base64url token, at least one character. */
  bytes(): Uint8Array {
    const { bytes, end } = tokenBase64Url(this.#text, this.#offset)
    this.#offset = end
    return bytes
  }

  /** Text: everything up to a space or newline, possibly nothing. */
  text(): string {
    return this.#until(endsText)
  }

  /** The characters of one list item: up to a comma, space or newline, possibly none. */
  item(): string {
    return this.#until(endsItem)
  }

  /** Nothing where an item would end already, otherwise a value. */
  maybe<T>(read: (r: TextReader) => T): T | undefined {
    return endsItem(this.peek()) ? undefined : read(this)
  }

  /** Items joined by commas, possibly none. Each `read` gets one item and must consume all of it. */
  list<T>(read: (r: TextReader) => T): T[] {
    const next = this.peek()
    return endsItem(next) && next !== "," ? [] : this.nonEmpty(read)
  }

  /** Like {@link list}, but at least one item. */
  nonEmpty<T>(read: (r: TextReader) => T): T[] {
    const items = [parseWhole(this.item(), read)]
    while (this.peek() === ",") {
      this.#offset++
      items.push(parseWhole(this.item(), read))
    }
    return items
  }

  /** Exactly one space: what separates the fields of a tuple. */
  space(field: string): void {
    this.literal(" ", field)
  }

  /** Checks that nothing is left. */
  end(): void {
    if (this.#offset !== this.#text.length) throw new DecodeError("unexpected characters after the end")
  }

  #until(ends: (char: string | undefined) => boolean): string {
    const start = this.#offset
    while (!ends(this.#text[this.#offset])) this.#offset++
    return this.#text.slice(start, this.#offset)
  }

  #unsigned(max: number, field: string): number {
    const value = Number(this.#digits(field))
    if (value > max) throw new DecodeError(`${field}: number out of range`)
    return value
  }

  /** One or more decimal digits, without leading zeros. */
  #digits(field: string): string {
    const start = this.#offset
    while (isDigit(this.#text[this.#offset])) this.#offset++
    if (this.#offset === start) throw new DecodeError(`${field}: digits expected`)
    let first = start
    while (first < this.#offset - 1 && this.#text[first] === "0") first++
    if (this.#offset - first > MAX_DIGITS) throw new DecodeError(`${field}: number out of range`)
    return this.#text.slice(first, this.#offset)
  }
}

/** Reads a value that must be the whole text. */
export function parseWhole<T>(text: string, read: (r: TextReader) => T): T {
  const r = new TextReader(text)
  const value = read(r)
  r.end()
  return value
}

/** `T` or `F`. */
export function formatBool(value: boolean): string {
  return value ? "T" : "F"
}

/** Empty when absent. */
export function formatMaybe<T>(value: T | undefined, format: (value: T) => string): string {
  return value === undefined ? "" : format(value)
}

/** Items joined by commas; also the form of sets. */
export function formatList<T>(items: readonly T[], format: (item: T) => string): string {
  return items.map(format).join(",")
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9"
}

function endsText(char: string | undefined): boolean {
  return char === undefined || char === " " || char === "\n"
}

function endsItem(char: string | undefined): boolean {
  return char === "," || endsText(char)
}
