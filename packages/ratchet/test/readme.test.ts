import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { firstMessage } from "./example.ts"

const folder = join(import.meta.dirname, "..")

describe("README", () => {
  it("shows the example of this folder", () => {
    const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
    expect(readFileSync(join(folder, "README.md"), "utf8")).toContain(`\`\`\`ts\n${example}\`\`\``)
  })

  it("has an example that works", () => {
    expect(firstMessage("hello")).toBe("hello")
  })
})
