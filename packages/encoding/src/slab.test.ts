import fc from "fast-check"
import { expect, it } from "vitest"
import { allocate, shrink } from "./slab.ts"

it("never gives the same byte to two pieces", () => {
  const requests = fc.array(fc.record({ length: fc.nat(5000), kept: fc.nat(100), late: fc.boolean() }), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(requests, (sequence) => {
      const pieces = sequence.map(({ length, kept, late }) => {
        const piece = allocate(length)
        expect(piece.length).toBe(length)
        const part = Math.min(length, Math.ceil((length * kept) / 100))
        return { piece, part, result: late ? undefined : shrink(piece, part) }
      })
      const results = pieces.map(({ piece, part, result }) => result ?? shrink(piece, part))
      for (const [i, result] of results.entries()) result.fill(i)
      for (const [i, result] of results.entries()) expect(result.every((byte) => byte === i)).toBe(true)
    }),
    { numRuns: 200 },
  )
})

it("gives the unused rest of the newest piece to the next one", () => {
  const first = shrink(allocate(1000), 10)
  const second = allocate(10)
  if (first.buffer === second.buffer) expect(second.byteOffset).toBe(first.byteOffset + 10)
  expect(shrink(second, 10)).toBe(second)
})
