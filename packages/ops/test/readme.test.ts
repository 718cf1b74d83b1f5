import { readFileSync } from "node:fs"
import { join } from "node:path"
import { OperatorError } from "@sluice/ops/operator-error"
import { expect, it } from "vitest"
import { relayProgram } from "./readme-example.ts"

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), "utf8")

it("the README shows the example that is compiled and run here", () => {
  const shown = /```ts\n(.*?)```/s.exec(read("..", "README.md"))?.[1]
  expect(shown).toBe(read("readme-example.ts"))
})

it("the example works", async () => {
  const overrides = { "admin.port": 0, "log.level": "error" }
  const { service } = relayProgram({ overrides })
  const signal = new AbortController().signal
  await service.start(signal)
  await service.stop(signal)
  expect(() => relayProgram({ env: { SLUICE_RELAY_IDLE_TIMEOUT: "soon" } })).toThrow(OperatorError)
})
