import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { ownVectors, SEEDED } from "./own-vectors.ts"

const path = new URL("../../../test/vectors/ratchet.json", import.meta.url)
const stored = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>

describe.each(SEEDED)("the project's own vectors: $name", ({ make }) => {
  const computed = JSON.parse(JSON.stringify(ownVectors(make()))) as Record<string, unknown>

  it.each(Object.keys(stored))("%s: what this code computes", (name) => {
    expect(computed[name]).toEqual(stored[name])
  })

  it("are complete", () => {
    expect(Object.keys(computed)).toEqual(Object.keys(stored))
  })
})
