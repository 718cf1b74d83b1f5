import { readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { describe, expect, it } from "vitest"

const src = new URL("../src/", import.meta.url)
const modules = readdirSync(src).filter((name) => name.endsWith(".ts") && !/^native|\.test\.ts$/.test(name))

/** Every module that a file imports, directly or not, by URL; built-ins as they are written. */
function imports(file: URL, seen: Set<string> = new Set()): Set<string> {
  const source = readFileSync(file, "utf8")
  for (const [, specifier] of source.matchAll(/^(?:import|export)\s(?!type\b)[^"';()]*?\sfrom\s+["']([^"']+)["']/gm)) {
    if (specifier === undefined) continue
    const url = resolve(specifier, file)
    if (seen.has(url)) continue
    seen.add(url)
    if (url.startsWith("file:")) imports(new URL(url), seen)
  }
  return seen
}

function resolve(specifier: string, from: URL): string {
  if (specifier.startsWith(".")) return new URL(specifier, from).href
  if (specifier.startsWith("node:")) return specifier
  return pathToFileURL(createRequire(from).resolve(specifier)).href
}

describe("in a browser", () => {
  it.each(modules)("%s needs nothing of Node", (name) => {
    const found = imports(new URL(name, src))
    expect([...found].filter((url) => url.startsWith("node:") || url.includes("sodium-native"))).toEqual([])
  })

  it("the check sees what native.ts imports", () => {
    const found = imports(new URL("native.ts", src))
    expect(found).toContain("node:crypto")
    expect(found).toContain("node:module")
  })
})
