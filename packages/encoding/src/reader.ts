import { fromUtf8 } from "./bytes.ts"
import { DecodeError } from "./errors.ts"

/**
 * Reads the binary encodings of encoding.md §1.1 from one piece of input, front to back.
 *
 * Every method either consumes exactly its encoding or throws `DecodeError`; nothing is read past the end. Byte strings
 * are returned as views on the input: they are valid as long as the input is not overwritten. The `field` arguments
 * only name the field in the error message; pass literals, never input.
 */
export class Reader {
  readonly #bytes: Uint8Array
  readonly #buffer: ArrayBufferLike
  readonly #base: number
  readonly #end: number
  #offset: number

  /** Reads `bytes` from `offset` (default 0) up to, not including, `end` (default: all). */
  constructor(bytes: Uint8Array, offset: number = 0, end: number = bytes.length) {
    if (!(offset >= 0 && offset <= end && end <= bytes.length)) throw new RangeError("Reader: bounds outside the bytes")
    this.#bytes = bytes
    this.#buffer = bytes.buffer
    this.#base = bytes.byteOffset
    this.#offset = offset
    this.#end = end
  }

  /** Position of the next byte, counted from the start of the bytes given to the constructor. */
  get offset(): number {
    return this.#offset
  }

  /** Number of bytes not yet read. */
  get remaining(): number {
    return this.#end - this.#offset
  }

  /** Next byte without consuming it, `undefined` at the end. */
  peek(): number | undefined {
    return this.#offset < this.#end ? this.#bytes[this.#offset] : undefined
  }

  /** One byte, unsigned. */
  u8(field: string): number {
    return this.#bytes[this.#skip(1, field)] as number
  }

  /** Two bytes, unsigned big-endian. */
  u16(field: string): number {
    const at = this.#skip(2, field)
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number)
  }

  /** Four bytes, unsigned big-endian. */
  u32(field: string): number {
    return this.#u32At(this.#skip(4, field))
  }

  /** Eight bytes, two's complement big-endian. */
  int64(field: string): bigint {
    const at = this.#skip(8, field)
    return (BigInt(this.#u32At(at) | 0) << 32n) | BigInt(this.#u32At(at + 4))
  }

  /**
   * Eight bytes: whole seconds since the Unix epoch (SystemTime). Values that a `number` cannot hold exactly, some
   * 285 million years away, are refused.
   */
  seconds(field: string): number {
    const at = this.#skip(8, field)
    const value = (this.#u32At(at) | 0) * 0x1_0000_0000 + this.#u32At(at + 4)
    if (!Number.isSafeInteger(value)) throw new DecodeError(`${field}: time out of range`)
    return value
  }

  /** One byte, `T` or `F`. */
  bool(field: string): boolean {
    const byte = this.u8(field)
    if (byte === 0x54) return true
    if (byte === 0x46) return false
    throw new DecodeError(`${field}: invalid Bool`)
  }

  /** Exactly `length` bytes without a prefix. */
  take(length: number, field: string): Uint8Array {
    return this.#view(this.#skip(length, field), length)
  }

  /** Short string: 1-byte length and 0..255 bytes. */
  short(field: string): Uint8Array {
    return this.take(this.u8(field), field)
  }

  /** Large: 2-byte length and 0..65535 bytes. */
  large(field: string): Uint8Array {
    return this.take(this.u16(field), field)
  }

  /** Everything that is left, possibly nothing. */
  tail(): Uint8Array {
    const at = this.#offset
    this.#offset = this.#end
    return this.#view(at, this.#end - at)
  }

  /** Everything before the next `stop` byte, which is not consumed, or everything that is left where there is none. */
  takeUntil(stop: number): Uint8Array {
    const at = this.#offset
    let next = at
    while (next < this.#end && this.#bytes[next] !== stop) next++
    this.#offset = next
    return this.#view(at, next - at)
  }

  /** Short string of UTF-8. */
  text(field: string): string {
    return fromUtf8(this.short(field))
  }

  /** `0`, or `1` and a value; `undefined` when absent. */
  maybe<T>(read: (r: Reader) => T, field: string = "optional"): T | undefined {
    const tag = this.u8(field)
    if (tag === 0x30) return undefined
    if (tag === 0x31) return read(this)
    throw new DecodeError(`${field}: invalid Maybe tag`)
  }

  /** 1-byte count and that many items. */
  list<T>(read: (r: Reader) => T, field: string = "list"): T[] {
    const count = this.u8(field)
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read(this))
    return items
  }

  /** Like {@link list}, but a count of 0 is refused. */
  nonEmpty<T>(read: (r: Reader) => T, field: string = "list"): T[] {
    if (this.peek() === 0) throw new DecodeError(`${field}: empty list`)
    return this.list(read, field)
  }

  /** Exactly one space, byte `20`. */
  space(field: string): void {
    if (this.u8(field) !== 0x20) throw new DecodeError(`${field}: space expected`)
  }

  /** Checks that nothing is left. */
  end(): void {
    if (this.#offset !== this.#end) throw new DecodeError("unexpected bytes after the end")
  }

  #skip(length: number, field: string): number {
    const at = this.#offset
    if (length > this.#end - at) throw new DecodeError(`${field}: not enough input`)
    this.#offset = at + length
    return at
  }

  /** Not `subarray`: this is faster and gives a plain Uint8Array even when the input is a Node `Buffer`. */
  #view(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, this.#base + at, length)
  }

  #u32At(at: number): number {
    const bytes = this.#bytes
    return (
      (bytes[at] as number) * 0x100_0000 +
      (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
    )
  }
}

/** Decodes a value that must fill its input completely (encoding.md §1.2); anything after it is a `DecodeError`. */
export function decodeWhole<T>(bytes: Uint8Array, read: (r: Reader) => T): T {
  const r = new Reader(bytes)
  const value = read(r)
  r.end()
  return value
}
