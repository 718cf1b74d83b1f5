import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { portableCrypto } from "@sluice/crypto/portable"
import { fromUtf8 } from "@sluice/encoding/bytes"
import { expect, it } from "vitest"
import { linkSecrets } from "../src/link-keys.ts"
import { encodeProfile } from "../src/profile.ts"
import { formatShortLink } from "../src/short-link.ts"
import { nameBehind } from "./example.ts"
import { sampleLink, sampleUserData } from "./samples.ts"

const folder = join(import.meta.dirname, "..")

it("shows the example that works here", async () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8")
  const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)

  const user = sampleUserData("contact", fromUtf8(encodeProfile({ displayName: "ann" })))
  const { link, made, senderId } = sampleLink(portableCrypto, "contact", user)
  const asked: Uint8Array[] = []
  const ask = async (linkId: Uint8Array) => {
    asked.push(linkId)
    return { senderId, data: made.data }
  }
  expect(await nameBehind(portableCrypto, formatShortLink(link), ask)).toBe("ann")
  expect(asked).toEqual([linkSecrets(portableCrypto, link).linkId])
})

it("names every module", () => {
  const readme = readFileSync(join(folder, "README.md"), "utf8")
  const modules = readdirSync(join(folder, "src")).filter((name) => !name.endsWith(".test.ts"))
  const inner = ["link-text.ts", "query.ts", "lenient-utf8.ts"]
  expect(modules.length).toBeGreaterThan(15)
  for (const name of modules) {
    if (!inner.includes(name)) expect(readme).toContain(`\`${name.replace(".ts", "")}\``)
  }
})

it("runs in a browser: its modules import nothing of Node, and of crypto only types and what is portable", () => {
  const src = join(folder, "src")
  for (const name of readdirSync(src).filter((file) => !file.endsWith(".test.ts"))) {
    const imports = [...readFileSync(join(src, name), "utf8").matchAll(/ from "([^"]+)"/g)].map(([, path]) => path)
    for (const path of imports) {
      expect(path).toMatch(/^(\.\/|@sluice\/(encoding|smp-protocol)\/|@sluice\/crypto\/(backend|box|keys)$)/)
    }
  }
})
