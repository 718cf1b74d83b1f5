import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"

/*
 * How records are stored: plain objects, arrays, texts, numbers, `bigint`s, booleans and bytes, each behind a letter. A
 * field that is `undefined` is left out, so that later versions can add fields to records of earlier ones. Unlike JSON it
 * holds bytes as they are, unlike `v8.serialize` its format does not depend on the runtime.
 */

/** What can be stored. */
export type Storable =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Storable[]
  | { readonly [field: string]: Storable }

const LETTER = {
  absent: 0x75, // u
  null: 0x30, // 0
  true: 0x54, // T
  false: 0x46, // F
  small: 0x69, // i: u32
  negative: 0x6e, // n: the u32 below zero, less one
  float: 0x64, // d: 8 bytes
  big: 0x4c, // L: signed 64 bits
  text: 0x73, // s: u32 length
  bytes: 0x62, // b: u32 length
  list: 0x61, // a: u32 count
  object: 0x6f, // o: u16 count, names as short strings
} as const

/** Deeper values than records have are refused in both directions. */
const MAX_DEPTH = 32

/** Encodes a value; `EncodeError` or `RangeError` for what is not {@link Storable}. */
export function encodeValue(value: unknown): Uint8Array {
  const w = new Writer(512)
  write(w, value, 0)
  return w.finish()
}

/** Reads what {@link encodeValue} wrote. Bytes are views on `bytes`. Throws `DecodeError` on anything else. */
export function decodeValue(bytes: Uint8Array): unknown {
  const r = new Reader(bytes)
  const value = read(r, 0)
  r.end()
  return value
}

function write(w: Writer, value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) throw new RangeError("value: too deep")
  switch (typeof value) {
    case "undefined":
      w.u8(LETTER.absent)
      return
    case "boolean":
      w.u8(value ? LETTER.true : LETTER.false)
      return
    case "number":
      writeNumber(w, value)
      return
    case "bigint":
      w.u8(LETTER.big).int64(value)
      return
    case "string":
      writeBytes(w, LETTER.text, utf8(value))
      return
    case "object":
      writeObject(w, value, depth)
      return
    default:
      throw new RangeError(`value: a ${typeof value} can not be stored`)
  }
}

function writeNumber(w: Writer, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff && !Object.is(value, -0)) {
    w.u8(LETTER.small).u32(value)
  } else if (Number.isInteger(value) && value < 0 && value >= -0x1_0000_0000) {
    w.u8(LETTER.negative).u32(-1 - value)
  } else {
    const eight = new Uint8Array(8)
    new DataView(eight.buffer).setFloat64(0, value)
    w.u8(LETTER.float).raw(eight)
  }
}

function writeBytes(w: Writer, letter: number, bytes: Uint8Array): void {
  w.u8(letter).u32(bytes.length).raw(bytes)
}

function writeObject(w: Writer, value: object | null, depth: number): void {
  if (value === null) w.u8(LETTER.null)
  else if (value instanceof Uint8Array) writeBytes(w, LETTER.bytes, value)
  else if (Array.isArray(value)) {
    w.u8(LETTER.list).u32(value.length)
    for (const item of value) write(w, item, depth + 1)
  } else {
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) throw new RangeError("value: an object of a class")
    const fields = Object.entries(value).filter(([, field]) => field !== undefined)
    w.u8(LETTER.object).u16(fields.length)
    for (const [name, field] of fields) {
      w.text(name)
      write(w, field, depth + 1)
    }
  }
}

function read(r: Reader, depth: number): unknown {
  if (depth > MAX_DEPTH) throw new DecodeError("value: too deep")
  switch (r.u8("value")) {
    case LETTER.absent:
      return undefined
    case LETTER.null:
      return null
    case LETTER.true:
      return true
    case LETTER.false:
      return false
    case LETTER.small:
      return r.u32("number")
    case LETTER.negative:
      return -1 - r.u32("number")
    case LETTER.float: {
      const eight = r.take(8, "number")
      return new DataView(eight.buffer, eight.byteOffset, 8).getFloat64(0)
    }
    case LETTER.big:
      return r.int64("number")
    case LETTER.text:
      return fromUtf8(r.take(r.u32("length"), "text"))
    case LETTER.bytes:
      return r.take(r.u32("length"), "bytes")
    case LETTER.list:
      return readList(r, depth)
    case LETTER.object:
      return readObject(r, depth)
    default:
      throw new DecodeError("value: unknown letter")
  }
}

function readList(r: Reader, depth: number): unknown[] {
  const count = r.u32("count")
  // Every item has at least one byte: a count beyond that would only cost memory.
  if (count > r.remaining) throw new DecodeError("list: longer than its input")
  return Array.from({ length: count }, () => read(r, depth + 1))
}

function readObject(r: Reader, depth: number): Record<string, unknown> {
  const count = r.u16("count")
  const fields: [string, unknown][] = []
  for (let i = 0; i < count; i++) fields.push([r.text("name"), read(r, depth + 1)])
  // `fromEntries` defines properties, so not even a field named `__proto__` touches the prototype.
  return Object.fromEntries(fields)
}
