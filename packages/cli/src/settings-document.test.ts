import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "vitest"
import { settingsDocument } from "./settings-document.ts"

it("docs/settings.md is what the program says: `npm run -s sluice -- config reference > docs/settings.md`", async () => {
  const page = await readFile(join(import.meta.dirname, "..", "..", "..", "docs", "settings.md"), "utf8")
  expect(page).toBe(settingsDocument())
})
