import { readFileSync } from "node:fs"
import { join } from "node:path"
import { utf8 } from "@sluice/encoding/bytes"
import { expect, it, vi } from "vitest"
import { sayHello } from "./example.ts"

const folder = join(import.meta.dirname, "..")

it("shows the example that works here", async () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8")
  const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  vi.spyOn(console, "info").mockImplementation(() => undefined)
  expect(await sayHello(utf8("hello"))).toEqual(utf8("hello"))
})
