import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { BLOCK_SIZE, batchContent, MAX_BATCH_COUNT, MAX_TRANSMISSION_LENGTH, packBatches, writeBatch } from "./batch.ts"
import { splitBlock } from "./block.ts"

const sizes = fc.array(fc.oneof(fc.nat(60), fc.nat(3000), fc.nat(17_000)), { maxLength: 40 })

describe("batches", () => {
  it("keep every transmission, in order, within the limits", () => {
    fc.assert(
      fc.property(sizes, (lengths) => {
        const items = lengths.map((length, i) => new Uint8Array(length).fill(i))
        const packed = packBatches(items)
        expect(packed.flatMap((one) => (one.fits ? one.items : [one.item]))).toEqual(items)
        for (const one of packed) {
          if (!one.fits) {
            expect(one.item.length).toBeGreaterThan(MAX_TRANSMISSION_LENGTH)
            continue
          }
          expect(one.length).toBeLessThanOrEqual(BLOCK_SIZE - 18)
          const content = batchContent(one)
          expect(content).toHaveLength(one.length)
          expect(splitBlock(content)).toEqual(one.items)
        }
      }),
    )
  })

  it("put at most 255 into a block", () => {
    const counts = packBatches(new Array(600).fill(new Uint8Array(1))).map((one) => (one.fits ? one.items.length : -1))
    expect(counts).toEqual([90, MAX_BATCH_COUNT, MAX_BATCH_COUNT])
  })

  it("are written into a larger buffer, item by item", () => {
    const lazy = { length: 3, writeTo: (out: Uint8Array) => out.set([7, 8, 9]) }
    const buffer = new Uint8Array(20).fill(0xee)
    const length = writeBatch({ items: [Uint8Array.of(5), lazy], length: 9 }, buffer)
    expect([...buffer.subarray(0, length)]).toEqual([2, 0, 1, 5, 0, 3, 7, 8, 9])
    expect(buffer[length]).toBe(0xee)
  })

  it("are none for nothing", () => {
    expect(packBatches([])).toEqual([])
  })
})
