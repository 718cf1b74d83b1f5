import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { sayAndRead } from "./example.ts"

const folder = join(import.meta.dirname, "..")

it("shows the example that works here", () => {
  const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
  expect(readFileSync(join(folder, "README.md"), "utf8")).toContain(`\`\`\`ts\n${example}\`\`\``)
  expect(sayAndRead("hello").read).toBe("hello")
})
