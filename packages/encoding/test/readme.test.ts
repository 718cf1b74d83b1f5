import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { decodeTicket, encodeTicket } from "./example.ts"

const folder = join(import.meta.dirname, "..")

it("shows the example that works here", () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8")
  const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  const ticket = { id: Uint8Array.of(1, 2, 3), seats: [11, 12], note: "by the window" }
  expect(decodeTicket(encodeTicket(ticket))).toEqual(ticket)
})

it("runs in a browser: no module imports anything from outside the package", () => {
  const src = join(folder, "src")
  const modules = readdirSync(src).filter((name) => !name.endsWith(".test.ts"))
  expect(modules.length).toBeGreaterThan(10)
  for (const name of modules) {
    const imports = [...readFileSync(join(src, name), "utf8").matchAll(/ from "([^"]+)"/g)].map(([, path]) => path)
    for (const path of imports) expect(path).toMatch(/^\.\//)
  }
})
