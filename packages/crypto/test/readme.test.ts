import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { BACKENDS } from "./backends.ts"
import { openLetter, sealLetter } from "./example.ts"

const folder = join(import.meta.dirname, "..")

describe("README", () => {
  it("shows the example of this folder", () => {
    const readme = readFileSync(join(folder, "README.md"), "utf8")
    const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  })

  it("names the versions that are installed", () => {
    const readme = readFileSync(join(folder, "README.md"), "utf8")
    const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      dependencies: Record<string, string>
    }
    for (const [name, version] of Object.entries(dependencies)) {
      if (!version.startsWith("workspace:")) expect(readme).toContain(`${name} ${version}`)
    }
  })

  it.each(BACKENDS)("has an example that works: $name", (c) => {
    const [a, b] = [c.generateKeyPair("x25519"), c.generateKeyPair("x25519")]
    const letter = sealLetter(c, a.privateKey, b.publicKey, "hello")
    expect(openLetter(c, b.privateKey, a.publicKey, letter)).toBe("hello")
    expect(openLetter(c, b.privateKey, b.publicKey, letter)).toBeUndefined()
  })
})
