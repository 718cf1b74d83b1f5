import { encodeBase64Url } from "../src/base64url.ts"
import { fromHex, fromLatin1, latin1, toHex } from "../src/bytes.ts"
import { type Letters, readLetter, writeLetter } from "../src/letters.ts"
import { readPassword, writePassword } from "../src/password.ts"
import type { Reader } from "../src/reader.ts"
import { formatBool, formatList, formatMaybe, type TextReader } from "../src/strings.ts"
import { formatUtcTime } from "../src/time.ts"
import { readVersionRange, writeVersionRange } from "../src/version.ts"
import type { Writer } from "../src/writer.ts"
import { type BytesSpec, bytesOf, type RangeSpec } from "./vector-format.ts"

/** Both directions of a type named in a vector file; values are in the JSON notation of that file. */
export interface BinaryType {
  write(w: Writer, value: unknown): void
  read(r: Reader): unknown
}

export interface StringType {
  format(value: unknown): string
  parse(r: TextReader): unknown
}

const SUBSCRIPTION_MODES: Letters<string> = { S: "subscribe", C: "only-create" }
const QUEUE_MODES: Letters<string> = { M: "messaging", C: "contact" }
const FIELD = "value"

const bytes = (value: unknown): Uint8Array => bytesOf(value as BytesSpec)

const BINARY: Readonly<Record<string, BinaryType>> = {
  word16: { write: (w, v) => w.u16(Number(v)), read: (r) => r.u16(FIELD) },
  word32: { write: (w, v) => w.u32(Number(v)), read: (r) => r.u32(FIELD) },
  int64: { write: (w, v) => w.int64(BigInt(v as string)), read: (r) => String(r.int64(FIELD)) },
  systemTime: { write: (w, v) => w.int64(Number(v)), read: (r) => String(r.seconds(FIELD)) },
  bool: { write: (w, v) => w.bool(v === true), read: (r) => r.bool(FIELD) },
  char: { write: (w, v) => w.raw(bytes(v)), read: (r) => toHex(r.take(1, FIELD)) },
  bytes: { write: (w, v) => w.short(bytes(v)), read: (r) => toHex(r.short(FIELD)) },
  large: { write: (w, v) => w.large(bytes(v)), read: (r) => toHex(r.large(FIELD)) },
  tail: { write: (w, v) => w.raw(bytes(v)), read: (r) => toHex(r.tail()) },
  text: { write: (w, v) => w.text(v as string), read: (r) => r.text(FIELD) },
  string8: {
    write: (w, v) => w.short(latin1(fromLatin1(bytes(v)))),
    read: (r) => toHex(latin1(fromLatin1(r.short(FIELD)))),
  },
  nonce24: { write: (w, v) => w.raw(bytes(v)), read: (r) => toHex(r.take(24, FIELD)) },
  iv16: { write: (w, v) => w.raw(bytes(v)), read: (r) => toHex(r.take(16, FIELD)) },
  versionRange: { write: (w, v) => writeVersionRange(w, v as RangeSpec), read: (r) => readVersionRange(r) },
  basicAuth: {
    write: (w, v) => writePassword(w, fromLatin1(bytes(v))),
    read: (r) => toHex(latin1(readPassword(r))),
  },
  subscriptionMode: {
    write: (w, v) => writeLetter(w, SUBSCRIPTION_MODES, v as string),
    read: (r) => readLetter(r, SUBSCRIPTION_MODES, FIELD),
  },
  queueMode: {
    write: (w, v) => writeLetter(w, QUEUE_MODES, v as string),
    read: (r) => readLetter(r, QUEUE_MODES, FIELD),
  },
  msgFlags: {
    write: (w, v) => w.bool(v === true),
    read: (r) => {
      const flag = r.bool(FIELD)
      r.takeUntil(0x20) // flags of later versions
      return flag
    },
  },
}

/** Binary codec of a type such as `word16`, `maybe(bytes)` or `tuple(bool,tail)`. */
export function binaryType(name: string): BinaryType {
  const { outer, inner } = parts(name)
  const items = inner.map(binaryType)
  const [item] = items
  if (item === undefined) return known(BINARY, name)
  switch (outer) {
    case "maybe":
      return {
        write: (w, v) => w.maybe(v === null ? undefined : { v }, (x, box) => item.write(x, unwrapped(inner[0], box.v))),
        read: (r) => r.maybe((x) => ({ v: wrapped(inner[0], item.read(x)) }))?.v ?? null,
      }
    case "list":
      return { write: (w, v) => w.list(listOf(v), item.write), read: (r) => r.list(item.read) }
    case "nonEmpty":
      return { write: (w, v) => w.nonEmpty(listOf(v), item.write), read: (r) => r.nonEmpty(item.read) }
    case "tuple":
      return {
        write: (w, v) => {
          for (const [i, value] of listOf(v).entries()) items[i]?.write(w, value)
        },
        read: (r) => items.map((each) => each.read(r)),
      }
    default:
      throw new Error(`no codec for ${name}`)
  }
}

const STRING: Readonly<Record<string, StringType>> = {
  bool: { format: (v) => formatBool(v === true), parse: (r) => r.bool(FIELD) },
  word16: { format: String, parse: (r) => r.u16(FIELD) },
  word32: { format: String, parse: (r) => r.u32(FIELD) },
  int64: { format: String, parse: (r) => String(r.int64(FIELD)) },
  systemTime: { format: String, parse: (r) => String(r.seconds(FIELD)) },
  bytes: { format: (v) => encodeBase64Url(fromHex(v as string)), parse: (r) => toHex(r.bytes()) },
  utcTime: {
    format: (v) => {
      const [seconds = "", fraction = ""] = String(v).split(".")
      return formatUtcTime({ seconds: Number(seconds), picoseconds: Number(fraction.padEnd(12, "0")) })
    },
    parse: (r) => formatUtcTime(r.utcTime()).replace("T", " ").replace("Z", " UTC"),
  },
  subscriptionMode: {
    format: String,
    parse: (r) => {
      const mode = r.peek() === "s" ? "subscribe" : "only-create"
      r.literal(mode, FIELD)
      return mode
    },
  },
}

/** String codec of a type. */
export function stringType(name: string): StringType {
  const { outer, inner } = parts(name)
  const items = inner.map(stringType)
  const [item] = items
  if (item === undefined) return known(STRING, name)
  switch (outer) {
    case "maybe":
      return { format: (v) => formatMaybe(v ?? undefined, item.format), parse: (r) => r.maybe(item.parse) ?? null }
    case "list":
      return { format: (v) => formatList(listOf(v), item.format), parse: (r) => r.list(item.parse) }
    case "nonEmpty":
      return { format: (v) => formatList(listOf(v), item.format), parse: (r) => r.nonEmpty(item.parse) }
    case "tuple":
      return {
        format: (v) => items.map((each, i) => each.format(listOf(v)[i])).join(" "),
        parse: (r) =>
          items.map((each, i) => {
            if (i > 0) r.space(FIELD)
            return each.parse(r)
          }),
      }
    default:
      throw new Error(`no string codec for ${name}`)
  }
}

/** A list in a vector file, which may be one value repeated. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  const { repeat, length } = value as { repeat: unknown; length: number }
  return Array.from({ length }, () => repeat)
}

function known<T>(table: Readonly<Record<string, T>>, name: string): T {
  const type = table[name]
  if (type === undefined) throw new Error(`no codec for ${name}`)
  return type
}

/** `maybe(a)` is `maybe` and `[a]`; `tuple(a,maybe(b))` is `tuple` and `[a, maybe(b)]`. */
function parts(name: string): { outer: string; inner: string[] } {
  const open = name.indexOf("(")
  if (open < 0) return { outer: name, inner: [] }
  const inner: string[] = []
  let depth = 0
  let start = open + 1
  for (let i = open; i < name.length; i++) {
    if (name[i] === "(") depth++
    if (name[i] === ")") depth--
    if (depth === 0 || (depth === 1 && name[i] === ",")) {
      inner.push(name.slice(start, i))
      start = i + 1
    }
  }
  return { outer: name.slice(0, open), inner }
}

/** In a `maybe` of a `maybe` the files wrap the inner value in an array, to tell both kinds of absence apart. */
function wrapped(inner: string | undefined, value: unknown): unknown {
  return inner?.startsWith("maybe") ? [value] : value
}

function unwrapped(inner: string | undefined, value: unknown): unknown {
  return inner?.startsWith("maybe") ? (value as unknown[])[0] : value
}
