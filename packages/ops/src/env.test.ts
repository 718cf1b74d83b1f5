import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { readEnv } from "./env.ts"

it("copies the environment", () => {
  expect(readEnv()).toMatchObject({ PATH: expect.any(String) })
  expect(Object.isFrozen(readEnv())).toBe(true)
})

it("is the only file that reads it, and main.ts the only one that ends the process", () => {
  const sources = readdirSync(import.meta.dirname).filter((name) => !name.endsWith(".test.ts"))
  const containing = (text: string): string[] =>
    sources.filter((name) => readFileSync(join(import.meta.dirname, name), "utf8").includes(text))
  expect(containing("(process.env)")).toEqual(["env.ts"])
  expect(containing("process.env[")).toEqual([])
  expect(containing("process.exit(")).toEqual(["main.ts"])
})
