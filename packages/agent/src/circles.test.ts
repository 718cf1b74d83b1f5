import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect, it } from "vitest"

/** Each source, relative to this folder, with the sources that it imports: for their types, too. */
const imports = new Map(
  readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .map((path) => [path, importsOf(path)]),
)

function importsOf(path: string): string[] {
  const text = readFileSync(join(import.meta.dirname, path), "utf8")
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, to = ""]) => join(dirname(path), to))
}

/** What is left of the sources when those that import nothing that is left are taken away, again and again. */
function tangled(): string[] {
  const left = new Map(imports)
  for (;;) {
    const free = [...left].filter(([, others]) => !others.some((other) => left.has(other)))
    if (free.length === 0) return [...left.keys()]
    for (const [path] of free) left.delete(path)
  }
}

it("no source imports itself by way of others, so that each can be read and tested with only those below it", () => {
  expect(imports.get("agent.ts")).toContain("core/build-context.ts")
  expect(tangled()).toEqual([])
})
