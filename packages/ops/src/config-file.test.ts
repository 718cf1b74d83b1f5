import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { readConfigFile, readSecretFile } from "./config-file.ts"
import { OperatorError } from "./operator-error.ts"

let dataFolder: string
beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), "sluice-ops-"))
})
afterEach(() => rmSync(dataFolder, { recursive: true }))

it("reads sluice.toml of the data folder, if there is one", () => {
  expect(readConfigFile({ dataFolder })).toBeUndefined()
  const name = join(dataFolder, "sluice.toml")
  writeFileSync(name, "a = 1\n")
  expect(readConfigFile({ dataFolder })).toEqual({ name, text: "a = 1\n" })
  expect(readSecretFile(name)).toBe("a = 1\n")
})

it("insists on a file that was asked for", () => {
  const path = join(dataFolder, "other.toml")
  expect(() => readConfigFile({ dataFolder, path })).toThrow(
    new OperatorError(`cannot read the configuration file ${path} (ENOENT)`),
  )
  expect(() => readConfigFile({ dataFolder, path: dataFolder })).toThrow(/EISDIR/)
})
