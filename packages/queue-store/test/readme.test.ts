import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { createMemoryStore } from "../src/memory/memory-store.ts"
import { passOn } from "./example.ts"
import { queue } from "./fixtures.ts"

const folder = join(import.meta.dirname, "..")

it("shows the example that works here", async () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8")
  const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  const store = createMemoryStore()
  expect(await passOn(store, queue(1), "hello")).toBe("hello")
  expect(await passOn(store, queue(1), "again")).toBeUndefined()
  expect(await store.counts()).toMatchObject({ queues: 1, messages: 0 })
  await store.close()
})
