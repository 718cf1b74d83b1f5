import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded } from "../test/hostile.ts"
import { DecodeError, EncodeError } from "./errors.ts"
import { formatUtcTime, parseUtcTime } from "./time.ts"

const times = fc.record({
  seconds: fc.integer({ min: -62_167_219_200, max: 253_402_300_799 }),
  picoseconds: fc.oneof(fc.constant(0), fc.nat(999_999_999_999)),
})

describe("UtcTime", () => {
  it("round-trips", () => {
    fc.assert(fc.property(times, (time) => void expect(parseUtcTime(formatUtcTime(time))).toEqual(time)))
  })

  it("agrees with Date", () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(253_402_300_799_000) }), (date) => {
        const { seconds, picoseconds } = parseUtcTime(date.toISOString())
        expect(seconds * 1000 + picoseconds / 1e9).toBe(date.getTime())
      }),
    )
  })

  it("answers any text with a time or DecodeError", () => {
    const likely = fc.stringMatching(/^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{0,14})?Z?$/)
    fc.assert(
      fc.property(fc.oneof(likely, fc.string()), (text) => {
        const time = decoded(() => parseUtcTime(text))
        if (time !== undefined) expect(parseUtcTime(formatUtcTime(time))).toEqual(time)
      }),
    )
  })

  it.each([
    "2022-02-29T00:00:00Z",
    "2022-04-31T00:00:00Z",
    "2022-13-01T00:00:00Z",
    "2022-01-01T24:00:00Z",
    "2022-01-01T00:60:00Z",
    "2022-01-01T00:00:60Z",
    "2022-01-01T00:00:00.Z",
    "2022-01-01T00:00:00.1234567890123Z",
    "2022-01-01T00:00:00z",
    "2022-01-01 00:00:00Z",
    "20220101T000000Z",
    "2022-01-01T00:00:00Z\n",
    "+002022-01-01T00:00:00Z",
  ])("refuses %j", (text) => {
    expect(() => parseUtcTime(text)).toThrow(DecodeError)
  })

  it("knows leap days", () => {
    expect(formatUtcTime(parseUtcTime("2024-02-29T23:59:59.5Z"))).toBe("2024-02-29T23:59:59.5Z")
    expect(formatUtcTime(parseUtcTime("0000-02-29T00:00:00Z"))).toBe("0000-02-29T00:00:00Z")
  })

  it("refuses to write what it could not read", () => {
    for (const time of [
      { seconds: 253_402_300_800, picoseconds: 0 },
      { seconds: -62_167_219_201, picoseconds: 0 },
      { seconds: 0.5, picoseconds: 0 },
      { seconds: 0, picoseconds: -1 },
      { seconds: 0, picoseconds: 1e12 },
    ]) {
      expect(() => formatUtcTime(time)).toThrow(EncodeError)
    }
  })
})
