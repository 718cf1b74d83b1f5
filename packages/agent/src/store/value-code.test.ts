import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeValue, encodeValue } from "./value-code.ts"

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true }),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 12 }), tie("value"), { maxKeys: 5, noNullPrototype: true }),
  ),
}))

describe("values", () => {
  it("read back as they were", () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(decodeValue(encodeValue(one))).toEqual(one)
      }),
    )
  })

  it("lose fields without a value", () => {
    expect(decodeValue(encodeValue({ a: undefined, b: 1 }))).toEqual({ b: 1 })
  })

  it("never fail with another error, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeValue(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
        }
      }),
    )
  })

  it.each([new Map(), new Date(0), Symbol("no"), () => 1])("refuse %s", (one) => {
    expect(() => encodeValue(one)).toThrow(RangeError)
  })

  it("refuse what is nested too deeply, in both directions", () => {
    let deep: unknown = 1
    for (let i = 0; i < 40; i++) deep = [deep]
    expect(() => encodeValue(deep)).toThrow(RangeError)
    const bytes = new Uint8Array(40 * 5 + 5)
    for (let i = 0; i < 40; i++) bytes.set([0x61, 0, 0, 0, 1], i * 5)
    bytes.set([0x69], 200)
    expect(() => decodeValue(bytes)).toThrow(DecodeError)
  })
})
