import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded, decodedInside } from "../test/hostile.ts"
import { DecodeError, EncodeError } from "./errors.ts"
import { decodeWhole } from "./reader.ts"
import {
  capRange,
  compatibleVersion,
  formatVersion,
  formatVersionRange,
  intersect,
  isCompatible,
  parseVersion,
  parseVersionRange,
  readVersion,
  readVersionRange,
  type VersionRange,
  versionRange,
  versionRangeFromJson,
  versionRangeToJson,
  writeVersion,
  writeVersionRange,
} from "./version.ts"
import { encodeWith } from "./writer.ts"

const version = fc.oneof(fc.nat(25), fc.nat(0xffff))
const range = fc.tuple(version, version).map(([a, b]) => versionRange(Math.min(a, b), Math.max(a, b)))

function includes(r: VersionRange, v: number): boolean {
  return r.min <= v && v <= r.max
}

describe("versions", () => {
  it("round-trips in all forms", () => {
    fc.assert(
      fc.property(version, range, (v, r) => {
        expect(
          decodeWhole(
            encodeWith((w) => writeVersion(w, v)),
            readVersion,
          ),
        ).toBe(v)
        expect(parseVersion(formatVersion(v))).toBe(v)
        expect(
          decodeWhole(
            encodeWith((w) => writeVersionRange(w, r)),
            readVersionRange,
          ),
        ).toEqual(r)
        expect(parseVersionRange(formatVersionRange(r))).toEqual(r)
        expect(versionRangeFromJson(JSON.parse(JSON.stringify(versionRangeToJson(r))))).toEqual(r)
      }),
    )
  })

  it("agrees on the highest version that both ranges include", () => {
    const small = fc.tuple(fc.nat(12), fc.nat(12)).map(([a, b]) => versionRange(Math.min(a, b), Math.max(a, b)))
    fc.assert(
      fc.property(small, small, fc.nat(12), (a, b, v) => {
        const common = Array.from({ length: 13 }, (_, n) => n).filter((n) => includes(a, n) && includes(b, n))
        expect(compatibleVersion(a, b)).toBe(common.at(-1))
        const expected = common.length === 0 ? undefined : { min: common[0], max: common.at(-1) }
        expect(intersect(a, b)).toEqual(expected)
        expect(isCompatible(v, a)).toBe(includes(a, v))
        expect(capRange(a, v)).toEqual(includes(a, v) ? { min: a.min, max: v } : undefined)
      }),
    )
  })

  it("answers any input with a range or DecodeError", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789- +"), maxLength: 12 }))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), text, fc.jsonValue(), (bytes, input, json) => {
        decodedInside(bytes, readVersionRange)
        decoded(() => parseVersionRange(input))
        decoded(() => versionRangeFromJson(json))
      }),
    )
  })

  it.each([null, undefined, 7, "6-9", [], {}, { minVersion: 6 }, { minVersion: 9, maxVersion: 6 }])(
    "refuses JSON %j",
    (json) => {
      expect(() => versionRangeFromJson(json)).toThrow(DecodeError)
    },
  )

  it("refuses ranges that are none", () => {
    for (const [min, max] of [
      [7, 6],
      [-1, 2],
      [0, 65_536],
      [1.5, 2],
    ] as const) {
      expect(() => versionRange(min, max)).toThrow(EncodeError)
      expect(() => encodeWith((w) => writeVersionRange(w, { min, max }))).toThrow(EncodeError)
    }
  })
})
