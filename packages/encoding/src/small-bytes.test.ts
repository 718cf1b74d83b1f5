import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { smallBytes, smallCopy } from "./small-bytes.ts"

describe("small bytes", () => {
  it("are zero, of the asked length, and nobody else's", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 60 }), (lengths) => {
        const all = lengths.map((length) => smallBytes(length))
        for (const [i, bytes] of all.entries()) {
          expect(bytes).toEqual(new Uint8Array(lengths[i] ?? 0))
          bytes.fill(i + 1)
        }
        for (const [i, bytes] of all.entries()) expect(bytes.every((byte) => byte === i + 1)).toBe(true)
      }),
    )
  })

  it("share buffers, and long ones don't", () => {
    const buffers = new Set(Array.from({ length: 100 }, () => smallBytes(40).buffer))
    expect(buffers.size).toBeLessThanOrEqual(2)
    expect(smallBytes(1000).buffer.byteLength).toBe(1000)
  })

  it("copies what it is given", () => {
    const source = Uint8Array.of(1, 2, 3)
    const copy = smallCopy(source)
    source.fill(9)
    expect(copy).toEqual(Uint8Array.of(1, 2, 3))
  })
})
