// The vector tests of short links, the very same files, in a browser with the crypto that pages use.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { build, type Plugin, stop } from "esbuild"
import { describe, expect, it } from "vitest"
import { haveVectors, vectors } from "../vectors.ts"
import { haveChromium, launch } from "./chromium.ts"
import type { Outcome } from "./vitest-in-browser.ts"

const SOURCES = join(import.meta.dirname, "..", "..", "packages", "short-links", "src")

type VectorFile = Readonly<Record<string, unknown>>

const own = JSON.parse(
  readFileSync(join(import.meta.dirname, "..", "vectors", "short-links.json"), "utf8"),
) as VectorFile

/** What the tests read, by the names that they have for it. */
const files: Readonly<Record<string, VectorFile | undefined>> = {
  own,
  "short-links.json": vectors<VectorFile>("short-links.json"),
  "agent.json": vectors<VectorFile>("agent.json"),
}

/** Replaces what a browser does not have: vitest, files, and the crypto of Node. */
const forBrowsers: Plugin = {
  name: "for-browsers",
  setup(building) {
    building.onResolve({ filter: /^vitest$/ }, () => ({ path: join(import.meta.dirname, "vitest-in-browser.ts") }))
    building.onResolve({ filter: /^@sluice\/crypto\/native$/ }, ({ resolveDir }) => ({
      ...{ path: "native", namespace: "replaced", pluginData: resolveDir },
    }))
    building.onResolve({ filter: /\/vector-files\.ts$/ }, () => ({ path: "vector-files", namespace: "replaced" }))
    building.onLoad({ filter: /^native$/, namespace: "replaced" }, ({ pluginData }) => ({
      contents: 'export { portableCrypto as nativeCrypto } from "@sluice/crypto/portable"',
      resolveDir: pluginData as string,
    }))
    building.onLoad({ filter: /^vector-files$/, namespace: "replaced" }, () => ({
      contents: `const files = ${JSON.stringify(files)}
        export const vectorArrays = (name, array) => ["own", name].flatMap((each) =>
          files[each]?.[array] === undefined ? [] : [{ name: each + " " + array, cases: files[each][array], file: files[each] }])`,
    }))
  },
}

async function bundled(): Promise<string> {
  const names = readdirSync(SOURCES).filter((name) => name.endsWith(".vectors.test.ts"))
  const { outputFiles } = await build({
    stdin: { contents: names.map((name) => `import "./${name}"`).join("\n"), resolveDir: SOURCES },
    ...{ bundle: true, write: false, format: "iife", platform: "browser", logLevel: "silent", plugins: [forBrowsers] },
  })
  await stop()
  return outputFiles[0]?.text ?? ""
}

describe.skipIf(!haveChromium)("short links in a browser", () => {
  it("pass all vectors", async () => {
    const script = await bundled()
    const browser = await launch()
    try {
      const page = await browser.newPage()
      await page.evaluate(script)
      const { passed, failures } = (await page.evaluate("outcome")) as Outcome
      expect(failures).toEqual([])
      const arrays = [files["own"], files["short-links.json"]].flatMap((file) => Object.values(file ?? {}))
      const cases = arrays.reduce<number>((total, array) => total + (Array.isArray(array) ? array.length : 0), 0)
      // `presets` is what others are made with; those of agent.json come on top.
      expect(passed).toBeGreaterThanOrEqual(cases - 2 * 2)
      if (haveVectors) expect(passed).toBeGreaterThan(150)
    } finally {
      await browser.close()
    }
  })
})
