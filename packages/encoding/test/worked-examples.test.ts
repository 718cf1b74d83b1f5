import { expect, it } from "vitest"
import { fromHex, toHex } from "../src/bytes.ts"
import { pad } from "../src/padding.ts"
import { formatServerAddress, parseServerAddress, type ServerAddress, writeServer } from "../src/server-address.ts"
import { writeVersionRange } from "../src/version.ts"
import { encodeWith, type Writer } from "../src/writer.ts"

/** The worked examples of encoding.md §4, except keys and encryption. */

const HELLO = fromHex("68656c6c6f")

const EXAMPLES: readonly (readonly [name: string, write: (w: Writer) => void, hex: string])[] = [
  ["Word16 20", (w) => w.u16(20), "0014"],
  ["Word32 65536", (w) => w.u32(65536), "00010000"],
  ["Int64 1234567890123456789", (w) => w.int64(1234567890123456789n), "112210f47de98115"],
  ["Int64 -1 from a bigint", (w) => w.int64(-1n), "ffffffffffffffff"],
  ["Int64 -1 from a number", (w) => w.int64(-1), "ffffffffffffffff"],
  ["SystemTime 2022-01-01T10:24:05Z", (w) => w.int64(1641032645), "0000000061d02bc5"],
  ["Bool true", (w) => w.bool(true), "54"],
  ["Maybe absent", (w) => w.maybe<number>(undefined, (x, n) => x.u8(n)), "30"],
  ["ByteString hello", (w) => w.short(HELLO), "0568656c6c6f"],
  ["empty ByteString", (w) => w.short(new Uint8Array(0)), "00"],
  ["Large hello", (w) => w.large(HELLO), "000568656c6c6f"],
  ["Maybe ByteString hello", (w) => w.maybe(HELLO, (x, bytes) => x.short(bytes)), "310568656c6c6f"],
  ["NonEmpty [Word16 6, Word16 20]", (w) => w.nonEmpty([6, 20], (x, n) => x.u16(n)), "0200060014"],
  ["VersionRange 6-20", (w) => writeVersionRange(w, { min: 6, max: 20 }), "00060014"],
  ["Text é", (w) => w.text("é"), "02c3a9"],
  ["pad(hello, 16)", (w) => w.raw(pad(HELLO, 16)), "000568656c6c6f232323232323232323"],
  ["pad(empty, 4)", (w) => w.raw(pad(new Uint8Array(0), 4)), "00002323"],
]

it.each(EXAMPLES)("%s", (_, write, hex) => {
  expect(toHex(encodeWith(write))).toBe(hex)
})

const KEY_HASH = "11".repeat(32)
const ONION = `${"a2".repeat(28)}.onion`

const server: ServerAddress = {
  scheme: "smp",
  hosts: ["smp1.example.org"],
  port: "5223",
  keyHash: fromHex(KEY_HASH),
  password: undefined,
}

it("binary server", () => {
  const hex = `0110736d70312e6578616d706c652e6f7267043532323320${KEY_HASH}`
  expect(toHex(encodeWith((w) => writeServer(w, server)))).toBe(hex)
})

it("server address", () => {
  const text = "smp://ERERERERERERERERERERERERERERERERERERERERERE=@smp1.example.org:5223"
  expect(formatServerAddress(server)).toBe(text)
  expect(parseServerAddress(text)).toEqual(server)
})

it("server address with a password and a second host", () => {
  const text = `smp://ERERERERERERERERERERERERERERERERERERERERERE=:p4ss@smp1.example.org,${ONION}:5223`
  const address = { ...server, password: "p4ss", hosts: ["smp1.example.org", ONION] }
  expect(formatServerAddress(address)).toBe(text)
  expect(parseServerAddress(text)).toEqual(address)
})
