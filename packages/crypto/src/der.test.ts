import { fromHex, latin1, toHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  DerReader,
  decodeDer,
  der,
  derBitString,
  derBoolean,
  derNamedBits,
  derSequence,
  derTime,
  derUnsigned,
  derUtf8,
  readNamedBits,
  readTime,
  TAG,
} from "./der.ts"

const decode = <T>(hex: string, read: (r: DerReader) => T): T => decodeDer(fromHex(hex), "test", read)

describe("DER", () => {
  it.each([0, 1, 127, 128, 255, 256, 65_535, 65_536, 70_000])("reads back content of %d bytes", (length) => {
    const content = new Uint8Array(length).fill(length & 0xff)
    const element = der(TAG.octetString, content)
    expect(decodeDer(element, "test", (r) => r.content(TAG.octetString, "test"))).toEqual(content)
    expect(decodeDer(element, "test", (r) => r.element(TAG.octetString, "test"))).toEqual(element)
  })

  it.each([
    ["a length in long form that fits the short one", "04810101"],
    ["a length with a leading zero byte", `04820080${"00".repeat(128)}`],
    ["an indefinite length", "3080040100000000"],
    ["a length of more than three bytes", "048400000001ff"],
    ["a length that is cut", "0482"],
    ["content that is cut", "040201"],
    ["nothing", ""],
    ["another tag", "0500"],
    ["trailing bytes", "04010000"],
  ])("refuses %s", (_, hex) => {
    expect(() => decode(hex, (r) => r.content(TAG.octetString, "test"))).toThrow(DecodeError)
  })

  it.each([
    ["", "020100"],
    ["00", "020100"],
    ["7f", "02017f"],
    ["80", "02020080"],
    ["0000ff", "020200ff"],
    ["0100", "02020100"],
  ])("writes the unsigned number %s as %s", (number, hex) => {
    expect(toHex(derUnsigned(fromHex(number)))).toBe(hex)
    expect(() => decode(hex, (r) => r.integer("test"))).not.toThrow()
  })

  it.each(["0200", "0202007f", "0202ff80"])("refuses the INTEGER %s", (hex) => {
    expect(() => decode(hex, (r) => r.integer("test"))).toThrow(DecodeError)
  })

  it.each(["020180", "02020100"])("refuses %s for a small number", (hex) => {
    expect(() => decode(hex, (r) => r.smallInteger("test"))).toThrow(DecodeError)
  })

  it("reads and writes BOOLEAN", () => {
    for (const value of [true, false])
      expect(decodeDer(derBoolean(value), "test", (r) => r.boolean("test"))).toBe(value)
    for (const hex of ["010101", "0100", "01020000"]) {
      expect(() => decode(hex, (r) => r.boolean("test"))).toThrow(DecodeError)
    }
  })

  it("reads BIT STRINGs of whole bytes only", () => {
    expect(decodeDer(derBitString(fromHex("0102")), "test", (r) => r.bitString("test"))).toEqual(fromHex("0102"))
    for (const hex of ["0300", "03020102"]) expect(() => decode(hex, (r) => r.bitString("test"))).toThrow(DecodeError)
  })

  it("writes named bits without trailing zeros", () => {
    expect(toHex(derNamedBits(0))).toBe("030100")
    expect(toHex(derNamedBits(0x01))).toBe("03020780")
    expect(toHex(derNamedBits(0x13))).toBe("030203c8")
    expect(toHex(derNamedBits(0x101))).toBe("0303078080")
    expect(() => decode("030208ff", (r) => readNamedBits(r, "test"))).toThrow(DecodeError)
    expect(() => decode("0300", (r) => readNamedBits(r, "test"))).toThrow(DecodeError)
    expect(() => decode("030400ffffff", (r) => readNamedBits(r, "test"))).toThrow(DecodeError)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff }), (mask) => {
        expect(decodeDer(derNamedBits(mask), "test", (r) => readNamedBits(r, "test"))).toBe(mask)
      }),
    )
  })

  it("writes times as RFC 5280 says", () => {
    expect(derTime(Date.UTC(2049, 11, 31, 23, 59, 59) / 1000)).toEqual(der(TAG.utcTime, latin1("491231235959Z")))
    expect(derTime(Date.UTC(2050, 0) / 1000)).toEqual(der(TAG.generalizedTime, latin1("20500101000000Z")))
    expect(derTime(1e12)).toEqual(der(TAG.generalizedTime, latin1("99991231235959Z")))
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1950, 0) / 1000, max: Date.UTC(9999, 11, 31) / 1000 }), (seconds) => {
        expect(decodeDer(derTime(seconds), "test", (r) => readTime(r, "test"))).toBe(seconds)
      }),
    )
  })

  it.each([
    [TAG.utcTime, "500101000000Z", Date.UTC(1950, 0)],
    [TAG.utcTime, "491231235959Z", Date.UTC(2049, 11, 31, 23, 59, 59)],
    [TAG.generalizedTime, "20240229000000Z", Date.UTC(2024, 1, 29)],
  ])("reads the time %d %s", (tag, text, milliseconds) => {
    expect(decodeDer(der(tag, latin1(text)), "test", (r) => readTime(r, "test"))).toBe(milliseconds / 1000)
  })

  it.each([
    [TAG.utcTime, "5001010000Z"],
    [TAG.utcTime, "500101000000+0100"],
    [TAG.utcTime, "20500101000000Z"],
    [TAG.generalizedTime, "20230229000000Z"],
    [TAG.generalizedTime, "20230101240000Z"],
    [TAG.generalizedTime, "20231301000000Z"],
    [TAG.generalizedTime, "20230101000000.5Z"],
    [TAG.generalizedTime, "500101000000Z"],
    [TAG.generalizedTime, ""],
    [TAG.utf8String, "20240101000000Z"],
  ])("refuses the time %d %s", (tag, text) => {
    expect(() => decodeDer(der(tag, latin1(text)), "test", (r) => readTime(r, "test"))).toThrow(DecodeError)
  })

  it("stays inside the input, also inside a slice of a larger array", () => {
    const bytes = Uint8Array.of(9, ...derSequence(derUtf8("a"), derUtf8("b")), 9)
    const r = new DerReader(bytes.subarray(1, -1)).sequence("test")
    expect(r.content(TAG.utf8String, "test")).toEqual(latin1("a"))
    expect(r.nextIs(TAG.utf8String)).toBe(true)
    expect(r.content(TAG.utf8String, "test")).toEqual(latin1("b"))
    expect(r.done).toBe(true)
    expect(r.optional(TAG.utf8String, () => 1)).toBeUndefined()
  })

  it("throws nothing but DecodeError on arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.constantFrom(...Object.values(TAG)), (bytes, tag) => {
        const input = bytes.length === 0 ? bytes : Uint8Array.of(tag, ...bytes.subarray(1))
        const reads: ((r: DerReader) => unknown)[] = [
          (r) => r.content(tag, "test"),
          (r) => r.integer("test"),
          (r) => r.bitString("test"),
          (r) => r.boolean("test"),
          (r) => readTime(r, "test"),
          (r) => readNamedBits(r, "test"),
        ]
        for (const read of reads) {
          try {
            read(new DerReader(input))
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
          }
        }
      }),
    )
  })
})
