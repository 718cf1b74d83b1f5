import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded } from "../test/hostile.ts"
import { EncodeError } from "./errors.ts"
import { MAX_PADDED_MESSAGE, pad, padInPlace, unpad } from "./padding.ts"

const message = fc.uint8Array({ maxLength: 500, size: "max" })

describe("padding", () => {
  it("round-trips, at exactly the length asked for", () => {
    fc.assert(
      fc.property(message, fc.nat(300), (input, extra) => {
        const block = pad(input, input.length + 2 + extra)
        expect(block.length).toBe(input.length + 2 + extra)
        expect(block.subarray(2 + input.length).every((byte) => byte === 0x23)).toBe(true)
        expect(unpad(block)).toEqual(input)
      }),
    )
  })

  it("does the same in place, over whatever was there", () => {
    fc.assert(
      fc.property(message, fc.nat(300), fc.nat(255), (input, extra, old) => {
        const block = new Uint8Array(input.length + 2 + extra).fill(old)
        block.set(input, 2)
        padInPlace(block, input.length)
        expect(block).toEqual(pad(input, block.length))
      }),
    )
  })

  it("refuses what does not fit", () => {
    fc.assert(
      fc.property(message, fc.integer({ min: -3, max: 1 }), (input, room) => {
        expect(() => pad(input, input.length + room)).toThrow(EncodeError)
      }),
    )
    expect(() => padInPlace(new Uint8Array(70_000), MAX_PADDED_MESSAGE + 1)).toThrow(EncodeError)
  })

  it("answers any block with a view inside it or DecodeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(50), (block, low) => {
        const likely = Uint8Array.of(0, low, ...block)
        for (const input of [block, likely]) {
          const view = decoded(() => unpad(input))
          if (view !== undefined) {
            expect(view.buffer).toBe(input.buffer)
            expect(view.byteOffset + view.length).toBeLessThanOrEqual(input.byteOffset + input.length)
          }
        }
      }),
    )
  })
})
