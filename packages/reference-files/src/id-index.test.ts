import { idKey } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bytes } from "../test/arbitraries.ts"
import { IdIndex } from "./id-index.ts"

/** IDs that differ in one byte somewhere, so that the tests meet equal ones and near ones. */
const id = fc.tuple(fc.nat({ max: 23 }), fc.nat({ max: 5 })).map(([at, value]) => {
  const near = new Uint8Array(24)
  near[at] = value
  return near
})

describe("IdIndex", () => {
  it("numbers IDs like a Map", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(id, bytes(24))), (ids) => {
        const index = new IdIndex()
        const numbers = new Map<string, number>()
        for (const one of ids) {
          expect(index.find(one)).toBe(numbers.get(idKey(one)))
          if (!numbers.has(idKey(one))) numbers.set(idKey(one), numbers.size)
          expect(index.add(one)).toBe(numbers.get(idKey(one)))
          expect(index.size).toBe(numbers.size)
        }
        for (const one of ids) expect(index.at(index.find(one) ?? -1)).toEqual(one)
      }),
    )
  })

  it("grows", () => {
    const index = new IdIndex()
    const numbered = (n: number) => {
      const bytes = new Uint8Array(24)
      new DataView(bytes.buffer).setUint32(n % 20, n)
      return bytes
    }
    const ids = Array.from({ length: 20_000 }, (_, n) => numbered(n + 1))
    const numbers = ids.map((one) => index.add(one))
    expect(ids.map((one) => index.find(one))).toEqual(numbers)
    expect(index.size).toBe(new Set(ids.map(idKey)).size)
  })

  it("finds no ID of another length and takes none", () => {
    const index = new IdIndex()
    expect(index.find(new Uint8Array(23))).toBeUndefined()
    expect(() => index.add(new Uint8Array(25))).toThrow(RangeError)
  })
})
