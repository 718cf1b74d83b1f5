import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded, decodedInside } from "../test/hostile.ts"
import { fromHex } from "./bytes.ts"
import { DecodeError } from "./errors.ts"
import { decodeWhole, Reader } from "./reader.ts"

/** Every method of the reader, as a step that returns something comparable. */
const STEPS: readonly ((r: Reader) => unknown)[] = [
  (r) => r.u8("f"),
  (r) => r.u16("f"),
  (r) => r.u32("f"),
  (r) => r.int64("f"),
  (r) => r.seconds("f"),
  (r) => r.bool("f"),
  (r) => r.take(3, "f"),
  (r) => r.short("f"),
  (r) => r.large("f"),
  (r) => r.tail(),
  (r) => r.takeUntil(0x20),
  (r) => r.text("f"),
  (r) => r.maybe((x) => x.u8("f")),
  (r) => r.list((x) => x.short("f")),
  (r) => r.nonEmpty((x) => x.bool("f")),
  (r) => r.space("f"),
  (r) => r.end(),
  (r) => r.peek(),
]

/** Bytes that tags and small lengths are made of come up often, so that programs get somewhere. */
const hostile = fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 0x20, 0x30, 0x31, 0x46, 0x54), fc.nat(255)), {
  maxLength: 60,
})

describe("Reader", () => {
  it("answers any input with values or DecodeError and never looks outside its bounds", () => {
    const programs = fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(hostile, programs, (input, steps) => {
        decodedInside(Uint8Array.from(input), (r) => steps.map((step) => step(r)))
      }),
      { numRuns: 2000 },
    )
  })

  it("consumes nothing in steps that ran out of input at once", () => {
    for (const step of STEPS) {
      const r = new Reader(new Uint8Array(0))
      decoded(() => step(r))
      expect(r.offset).toBe(0)
    }
  })

  it("returns views on the input, plain even when that is a Buffer", () => {
    const input = Buffer.from("ff0301020304", "hex")
    const r = new Reader(input, 1)
    const view = r.short("f")
    expect(Object.getPrototypeOf(view)).toBe(Uint8Array.prototype)
    expect(view).toEqual(Uint8Array.of(1, 2, 3))
    input[2] = 9
    expect(view[0]).toBe(9)
    expect([r.offset, r.remaining, r.peek()]).toEqual([5, 1, 4])
  })

  it("reads an item type that may itself be absent", () => {
    const read = (r: Reader) => r.maybe((x) => ({ inner: x.maybe((y) => y.bool("f")) }))
    expect(decodeWhole(fromHex("30"), read)).toBeUndefined()
    expect(decodeWhole(fromHex("3130"), read)).toEqual({ inner: undefined })
    expect(decodeWhole(fromHex("313154"), read)).toEqual({ inner: true })
  })

  it("refuses times that a number cannot hold", () => {
    expect(decodeWhole(fromHex("001fffffffffffff"), (r) => r.seconds("f"))).toBe(Number.MAX_SAFE_INTEGER)
    expect(decodeWhole(fromHex("ffe0000000000001"), (r) => r.seconds("f"))).toBe(Number.MIN_SAFE_INTEGER)
    for (const hex of ["0020000000000000", "ffe0000000000000", "7fffffffffffffff", "8000000000000000"]) {
      expect(() => decodeWhole(fromHex(hex), (r) => r.seconds("f"))).toThrow(DecodeError)
    }
  })

  it("stops before the separator, or at the end where there is none", () => {
    const r = new Reader(fromHex("414220"))
    expect(r.takeUntil(0x20)).toEqual(fromHex("4142"))
    expect(r.takeUntil(0x20)).toEqual(new Uint8Array(0))
    r.space("f")
    expect(r.takeUntil(0x20)).toEqual(new Uint8Array(0))
  })

  it("names the field and nothing of the input in its errors", () => {
    expect(() => new Reader(fromHex("05616263")).short("queueId")).toThrow("queueId: not enough input")
    expect(() => new Reader(fromHex("78")).bool("flag")).toThrow("flag: invalid Bool")
    expect(() => decodeWhole(fromHex("78"), () => 0)).toThrow("unexpected bytes after the end")
  })

  it("refuses bounds outside the bytes", () => {
    for (const [offset, end] of [
      [-1, 2],
      [2, 1],
      [0, 4],
      [Number.NaN, 1],
      [0, Number.NaN],
    ] as const) {
      expect(() => new Reader(new Uint8Array(3), offset, end)).toThrow(RangeError)
    }
  })
})
