import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { latin1 } from "./bytes.ts"
import { EncodeError } from "./errors.ts"
import { decodeWhole, Reader } from "./reader.ts"
import { encodeWith, Writer } from "./writer.ts"

/** A value with how it is written and read. */
interface Field {
  readonly value: unknown
  readonly write: (w: Writer) => void
  readonly read: (r: Reader) => unknown
}

function field<T>(values: fc.Arbitrary<T>, write: (w: Writer, value: T) => void, read: (r: Reader) => unknown) {
  return values.map((value): Field => ({ value, write: (w) => write(w, value), read }))
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: "max" })
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

const fields: fc.Arbitrary<Field> = fc.oneof(
  field(
    fc.nat(0xff),
    (w, v) => w.u8(v),
    (r) => r.u8("f"),
  ),
  field(
    fc.nat(0xffff),
    (w, v) => w.u16(v),
    (r) => r.u16("f"),
  ),
  field(
    fc.nat(0xffff_ffff),
    (w, v) => w.u32(v),
    (r) => r.u32("f"),
  ),
  field(
    int64,
    (w, v) => w.int64(v),
    (r) => r.int64("f"),
  ),
  field(
    fc.maxSafeInteger(),
    (w, v) => w.int64(v),
    (r) => r.seconds("f"),
  ),
  field(
    fc.boolean(),
    (w, v) => w.bool(v),
    (r) => r.bool("f"),
  ),
  field(
    fc.uint8Array({ minLength: 7, maxLength: 7 }),
    (w, v) => w.raw(v),
    (r) => r.take(7, "f"),
  ),
  field(
    bytes(255),
    (w, v) => w.short(v),
    (r) => r.short("f"),
  ),
  field(
    bytes(600),
    (w, v) => w.large(v),
    (r) => r.large("f"),
  ),
  field(
    bytes(255),
    (w, v) => w.shortOf((x) => x.raw(v)),
    (r) => r.short("f"),
  ),
  field(
    bytes(600),
    (w, v) => w.largeOf((x) => x.raw(v)),
    (r) => r.large("f"),
  ),
  field(
    fc.string({ unit: "grapheme", maxLength: 20 }),
    (w, v) => w.text(v),
    (r) => r.text("f"),
  ),
  field(
    fc.option(fc.nat(255), { nil: undefined }),
    (w, v) => w.maybe(v, (x, n) => x.u8(n)),
    (r) => r.maybe((x) => x.u8("f")),
  ),
  field(
    fc.array(bytes(4)),
    (w, v) => w.list(v, (x, b) => x.short(b)),
    (r) => r.list((x) => x.short("f")),
  ),
  field(
    fc.array(fc.nat(0xffff), { minLength: 1 }),
    (w, v) => w.nonEmpty(v, (x, n) => x.u16(n)),
    (r) => r.nonEmpty((x) => x.u16("f")),
  ),
)

describe("Writer", () => {
  it("round-trips any sequence of fields from any first capacity", () => {
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 12 }), fc.nat(64), (sequence, capacity) => {
        const w = new Writer(capacity)
        for (const { write } of sequence) write(w)
        const length = w.length
        const encoded = w.finish()
        expect(encoded.length).toBe(length)
        const values = decodeWhole(encoded, (r) => sequence.map(({ read }) => read(r)))
        expect(values).toEqual(sequence.map(({ value }) => value))
      }),
      { numRuns: 300 },
    )
  })

  it("writes the same into a given buffer, and not past its end", () => {
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 6 }), fc.nat(40), (sequence, missing) => {
        const write = (w: Writer) => {
          for (const each of sequence) each.write(w)
        }
        const expected = encodeWith(write)
        const around = new Uint8Array(expected.length + 2).fill(0xee)
        const room = around.subarray(1, 1 + expected.length)

        const tight = new Writer(room.subarray(0, Math.max(0, expected.length - missing)))
        if (missing > 0 && expected.length > 0) expect(() => write(tight)).toThrow(EncodeError)

        const w = new Writer(room)
        write(w)
        expect(w.finish()).toEqual(expected)
        expect(room).toEqual(expected)
        expect([around[0], around.at(-1)]).toEqual([0xee, 0xee])
      }),
      { numRuns: 200 },
    )
  })

  it("writes ASCII and spaces", () => {
    expect(encodeWith((w) => w.ascii("SEND").space())).toEqual(latin1("SEND "))
    expect(() => new Writer().ascii("é")).toThrow(EncodeError)
  })

  it.each<[string, (w: Writer) => unknown]>([
    ["short string of 256 bytes", (w) => w.short(new Uint8Array(256))],
    ["large of 65536 bytes", (w) => w.large(new Uint8Array(65_536))],
    ["short string written in place", (w) => w.shortOf((x) => x.raw(new Uint8Array(256)))],
    ["large written in place", (w) => w.largeOf((x) => x.raw(new Uint8Array(65_536)))],
    ["text of 256 bytes", (w) => w.text("é".repeat(128))],
    ["lone surrogate", (w) => w.text("\udc00")],
    ["list of 256", (w) => w.list(new Array<number>(256).fill(0), (x, n) => x.u8(n))],
    ["empty list", (w) => w.nonEmpty<number>([], (x, n) => x.u8(n))],
    ["u8 256", (w) => w.u8(256)],
    ["u8 -1", (w) => w.u8(-1)],
    ["u16 65536", (w) => w.u16(65_536)],
    ["u16 1.5", (w) => w.u16(1.5)],
    ["u32 2^32", (w) => w.u32(2 ** 32)],
    ["u32 NaN", (w) => w.u32(Number.NaN)],
    ["int64 2^63", (w) => w.int64(2n ** 63n)],
    ["int64 2^53", (w) => w.int64(2 ** 53)],
  ])("refuses what does not fit: %s", (_, write) => {
    expect(() => write(new Writer())).toThrow(EncodeError)
  })

  it("accepts the largest that fit", () => {
    const w = new Writer(0)
    w.short(new Uint8Array(255)).large(new Uint8Array(65_535)).text("é".repeat(127))
    w.list(new Array<number>(255).fill(7), (x, n) => x.u8(n))
    expect(w.finish().length).toBe(256 + 65_537 + 255 + 256)
  })

  it("keeps a finished result apart from what is written later, by itself or by others", () => {
    const w = new Writer(100)
    const first = w.ascii("first").finish()
    expect(w.finish()).toBe(first)
    const other = new Writer(100).ascii("other").finish()
    const both = w.ascii("second").finish()
    expect(first).toEqual(latin1("first"))
    expect(other).toEqual(latin1("other"))
    expect(both).toEqual(latin1("firstsecond"))
  })

  it("gives a plain Uint8Array for a given Buffer", () => {
    const result = new Writer(Buffer.alloc(8)).u16(1).finish()
    expect(Object.getPrototypeOf(result)).toBe(Uint8Array.prototype)
    expect(new Reader(result).u16("f")).toBe(1)
  })
})
