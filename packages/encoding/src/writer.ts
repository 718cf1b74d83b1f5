import { utf8 } from "./bytes.ts"
import { EncodeError } from "./errors.ts"
import { allocate, prefix, shrink } from "./slab.ts"

const DEFAULT_CAPACITY = 256

/**
 * Writes the binary encodings of encoding.md §1.1 into one growing buffer. Every method returns the writer.
 *
 * What does not fit its length prefix, count or integer size raises `EncodeError` instead of wrapping around. After an
 * error the content is unspecified and the writer is to be thrown away.
 */
export class Writer {
  #bytes: Uint8Array
  #length = 0
  readonly #fixed: boolean

  /**
   * With a number: a buffer of that capacity (default 256 bytes) which grows by doubling. With an array: writes into it
   * from its start, and raises `EncodeError` when it is full.
   */
  constructor(target: number | Uint8Array = DEFAULT_CAPACITY) {
    this.#fixed = typeof target !== "number"
    this.#bytes = typeof target === "number" ? allocate(target) : target
  }

  /** Number of bytes written so far. */
  get length(): number {
    return this.#length
  }

  /** One byte, 0..255. */
  u8(value: number): this {
    if (!isUnsigned(value, 0xff)) throw new EncodeError("u8: out of range")
    const at = this.#reserve(1)
    this.#bytes[at] = value
    return this
  }

  /** Two bytes, big-endian, 0..65535. */
  u16(value: number): this {
    if (!isUnsigned(value, 0xffff)) throw new EncodeError("u16: out of range")
    const at = this.#reserve(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
    return this
  }

  /** Four bytes, big-endian, 0..2^32-1. */
  u32(value: number): this {
    if (!isUnsigned(value, 0xffff_ffff)) throw new EncodeError("u32: out of range")
    this.#u32At(this.#reserve(4), value)
    return this
  }

  /** Eight bytes, two's complement big-endian. A `number` must be a safe integer. */
  int64(value: bigint | number): this {
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) throw new EncodeError("int64: not a safe integer")
      const at = this.#reserve(8)
      this.#u32At(at, Math.floor(value / 0x1_0000_0000))
      this.#u32At(at + 4, value)
      return this
    }
    if (BigInt.asIntN(64, value) !== value) throw new EncodeError("int64: out of range")
    const at = this.#reserve(8)
    this.#u32At(at, Number(value >> 32n))
    this.#u32At(at + 4, Number(value & 0xffff_ffffn))
    return this
  }

  /** `T` or `F`. */
  bool(value: boolean): this {
    return this.u8(value ? 0x54 : 0x46)
  }

  /** The bytes themselves, without a prefix. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#bytes.set(bytes, at)
    return this
  }

  /** Short string: 1-byte length and at most 255 bytes. */
  short(bytes: Uint8Array): this {
    if (bytes.length > 0xff) throw new EncodeError("short string: more than 255 bytes")
    const at = this.#reserve(1 + bytes.length)
    this.#bytes[at] = bytes.length
    this.#bytes.set(bytes, at + 1)
    return this
  }

  /** Large: 2-byte length and at most 65535 bytes. */
  large(bytes: Uint8Array): this {
    if (bytes.length > 0xffff) throw new EncodeError("large string: more than 65535 bytes")
    const at = this.#reserve(2 + bytes.length)
    this.#bytes[at] = bytes.length >>> 8
    this.#bytes[at + 1] = bytes.length
    this.#bytes.set(bytes, at + 2)
    return this
  }

  /** Short string holding whatever `write` writes, without an array in between. */
  shortOf(write: (w: Writer) => void): this {
    const at = this.#reserve(1)
    write(this)
    const length = this.#length - at - 1
    if (length > 0xff) throw new EncodeError("short string: more than 255 bytes")
    this.#bytes[at] = length
    return this
  }

  /** Large holding whatever `write` writes, without an array in between. */
  largeOf(write: (w: Writer) => void): this {
    const at = this.#reserve(2)
    write(this)
    const length = this.#length - at - 2
    if (length > 0xffff) throw new EncodeError("large string: more than 65535 bytes")
    this.#bytes[at] = length >>> 8
    this.#bytes[at + 1] = length
    return this
  }

  /** Short string of UTF-8. */
  text(value: string): this {
    return this.short(utf8(value))
  }

  /** `0` when `value` is `undefined`, otherwise `1` and what `write` makes of it. */
  maybe<T>(value: T | undefined, write: (w: Writer, value: T) => void): this {
    if (value === undefined) return this.u8(0x30)
    this.u8(0x31)
    write(this, value)
    return this
  }

  /** 1-byte count and at most 255 items. */
  list<T>(items: readonly T[], write: (w: Writer, item: T) => void): this {
    if (items.length > 0xff) throw new EncodeError("list: more than 255 items")
    this.u8(items.length)
    for (const item of items) write(this, item)
    return this
  }

  /** Like {@link list}, but an empty list is an error. */
  nonEmpty<T>(items: readonly T[], write: (w: Writer, item: T) => void): this {
    if (items.length === 0) throw new EncodeError("list: empty")
    return this.list(items, write)
  }

  /** ASCII characters without a prefix: tags and keywords. */
  ascii(text: string): this {
    const at = this.#reserve(text.length)
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) throw new EncodeError("ascii: other character")
      this.#bytes[at + i] = code
    }
    return this
  }

  /** One space, byte `20`. */
  space(): this {
    return this.u8(0x20)
  }

  /**
   * What was written: a view on the writer's buffer, not a copy. Writing on later leaves it as it is. Small results share
   * a larger buffer with others; take a `slice()` of one that is kept for long or handed to another thread.
   */
  finish(): Uint8Array {
    // Keeping exactly the result makes any later write move to a new buffer.
    this.#bytes = this.#fixed ? prefix(this.#bytes, this.#length) : shrink(this.#bytes, this.#length)
    return this.#bytes
  }

  #reserve(count: number): number {
    const at = this.#length
    const needed = at + count
    if (needed > this.#bytes.length) this.#grow(needed)
    this.#length = needed
    return at
  }

  #grow(needed: number): void {
    if (this.#fixed) throw new EncodeError("no room in the given buffer")
    const larger = allocate(Math.max(needed, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }

  /** Low 32 bits of an integer; typed arrays truncate numbers to a byte themselves. */
  #u32At(at: number, value: number): void {
    const bits = value >>> 0
    this.#bytes[at] = bits >>> 24
    this.#bytes[at + 1] = bits >>> 16
    this.#bytes[at + 2] = bits >>> 8
    this.#bytes[at + 3] = bits
  }
}

function isUnsigned(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max
}

/** The bytes that `write` writes; `capacity` is a first guess in bytes. */
export function encodeWith(write: (w: Writer) => void, capacity?: number): Uint8Array {
  const w = new Writer(capacity)
  write(w)
  return w.finish()
}
