import fc from "fast-check"
import { expect, it } from "vitest"
import { LineChains } from "./line-chains.ts"
import type { LinePlace } from "./lines.ts"

const place = (number: number): LinePlace => ({ position: number * 2 ** 33, length: number + 7, number })

type Step = readonly [kind: "append" | "replaceLast" | "drop", list: number]

it("keeps lists like an array of arrays", () => {
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom("append" as const, "append" as const, "append" as const, "replaceLast" as const, "drop" as const),
    fc.nat({ max: 6 }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (done) => {
      const chains = new LineChains()
      const lists: LinePlace[][] = Array.from({ length: 8 }, () => [])
      for (const [i, [kind, list]] of done.entries()) {
        const expected = lists[list] ?? []
        if (kind === "append") {
          chains.append(list, place(i))
          expected.push(place(i))
        } else if (kind === "drop") {
          chains.drop(list)
          expected.length = 0
        } else if (expected.length > 0) {
          chains.replaceLast(list, place(i))
          expected[expected.length - 1] = place(i)
        }
      }
      expect(lists.map((_, list) => [...chains.of(list)])).toEqual(lists)
    }),
  )
})
