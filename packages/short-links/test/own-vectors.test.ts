import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { ownVectors } from "./own-vectors.ts"

const file = join(import.meta.dirname, "..", "..", "..", "test", "vectors", "short-links.json")
const stored = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>
const computed = ownVectors()

describe("the project's own vectors", () => {
  it.each(Object.keys(stored))("%s are what this code computes", (name) => {
    expect(JSON.parse(JSON.stringify(computed[name]))).toEqual(stored[name])
  })

  it("are complete", () => {
    expect(Object.keys(computed)).toEqual(Object.keys(stored))
  })
})
