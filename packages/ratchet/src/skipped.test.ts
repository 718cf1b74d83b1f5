import { describe, expect, it } from "vitest"
import { applySkipped, NO_SKIPPED, type SkippedKey, skippedBeyond, skippedKeyList, skippedKeysOf } from "./skipped.ts"

function key(chain: number, number: number): SkippedKey {
  const bytes = (fill: number, length: number): Uint8Array => new Uint8Array(length).fill(fill)
  return { headerKey: bytes(chain, 32), number, messageKey: bytes(number, 32), iv: bytes(chain, 16) }
}

const keys = [key(1, 0), key(1, 1), key(2, 0), key(2, 5)]

describe("skipped keys", () => {
  it("are grouped by chain and come back in order", () => {
    const skipped = skippedKeysOf(keys)
    expect(skipped.map(({ keys }) => [...keys.keys()])).toEqual([
      [0, 1],
      [0, 5],
    ])
    expect(skippedKeyList(skipped)).toEqual(keys)
    expect(skippedKeyList(skippedKeysOf([key(1, 0), key(2, 0), key(1, 1), key(2, 5)]))).toEqual(keys)
  })

  it("are added and removed without a change of what was there", () => {
    const some = applySkipped(NO_SKIPPED, { type: "add", keys: keys.slice(0, 3) })
    const all = applySkipped(some, { type: "add", keys: keys.slice(3) })
    expect(skippedKeyList(all)).toEqual(keys)
    expect(skippedKeyList(some)).toEqual(keys.slice(0, 3))
    const fewer = applySkipped(all, { type: "remove", headerKey: new Uint8Array(32).fill(1), number: 1 })
    expect(skippedKeyList(fewer)).toEqual([key(1, 0), key(2, 0), key(2, 5)])
    expect(skippedKeyList(all)).toEqual(keys)
    expect(applySkipped(fewer, { type: "remove", headerKey: new Uint8Array(32).fill(1), number: 0 })).toHaveLength(1)
    expect(applySkipped(all, { type: "none" })).toBe(all)
  })

  it("beyond a limit are the oldest", () => {
    const skipped = skippedKeysOf(keys)
    expect(skippedBeyond(skipped, 4)).toEqual([])
    expect(skippedBeyond(skipped, 1)).toEqual(keys.slice(0, 3))
    expect(skippedBeyond(skipped, 0)).toEqual(keys)
  })
})
