import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import type { EncodingVectors } from "./vector-format.ts"
import { encodingSuite, STRICTER } from "./vector-suite.ts"

const reference = vectors<EncodingVectors>("encoding.json")

describe.skipIf(reference === undefined)("vectors of the reference implementation", () => {
  if (reference === undefined) return
  encodingSuite(reference)

  it("has every case that is listed as a deliberate difference", () => {
    for (const key of Object.keys(STRICTER)) {
      const [array, name] = key.split("/", 2)
      const cases = reference[array as keyof EncodingVectors] as readonly { name: string }[]
      expect(cases.some((item) => item.name === name)).toBe(true)
    }
  })
})
