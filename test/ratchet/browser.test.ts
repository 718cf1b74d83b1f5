// The ratchet in a real browser, with the crypto that pages use.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { build, stop } from "esbuild"
import { describe, expect, it } from "vitest"
import { haveChromium, launch } from "../links/chromium.ts"
import type { BrowserOutcome, RatchetVectors } from "./in-browser.ts"

const vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "vectors", "ratchet.json"), "utf8"),
) as RatchetVectors

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "in-browser.ts")],
    ...{ bundle: true, write: false, format: "iife", globalName: "ratchet", platform: "browser", logLevel: "silent" },
  })
  await stop()
  return outputFiles[0]?.text ?? ""
}

describe.skipIf(!haveChromium)("the ratchet in a browser", () => {
  it("decrypts the project's own vectors and answers, with and without PQ", async () => {
    const script = await bundled()
    const browser = await launch()
    try {
      const page = await browser.newPage()
      const result = await page.evaluate(`${script}; ratchet.run(${JSON.stringify(vectors)})`)
      const { sharedSecret, texts } = result as BrowserOutcome
      expect(sharedSecret).toBe(vectors.kem.sharedSecret)
      expect(texts).toEqual(
        vectors.conversations.map(({ name, steps: [first] }) => ({
          name,
          first: first?.text,
          answer: "from the browser",
        })),
      )
    } finally {
      await browser.close()
    }
  })
})
