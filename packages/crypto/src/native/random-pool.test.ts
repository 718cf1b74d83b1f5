import { toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { pooledRandom } from "./random-pool.ts"

describe("pooledRandom", () => {
  it("fills arrays of all sizes, around the size of the pool too", () => {
    const random = pooledRandom()
    for (const length of [0, 1, 24, 2047, 2048, 2049, 8191, 8192, 8193, 100_000]) {
      const bytes = new Uint8Array(length)
      random(bytes)
      if (length >= 24) expect(bytes.subarray(-24)).not.toEqual(new Uint8Array(24))
    }
  })

  it("never hands out the same bytes twice", () => {
    const random = pooledRandom()
    const seen = new Set<string>()
    for (let i = 0; i < 3000; i++) {
      const bytes = new Uint8Array(16)
      random(bytes)
      seen.add(toHex(bytes))
    }
    expect(seen.size).toBe(3000)
  })

  it("fills only the view that it was given", () => {
    const whole = new Uint8Array(64)
    pooledRandom()(whole.subarray(16, 48))
    expect(whole.subarray(0, 16)).toEqual(new Uint8Array(16))
    expect(whole.subarray(48)).toEqual(new Uint8Array(16))
  })
})
