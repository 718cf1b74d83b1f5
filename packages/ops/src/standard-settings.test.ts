import { expect, it } from "vitest"
import { loadConfig } from "./config.ts"
import { adminSettings, logSettings, shutdownSettings } from "./standard-settings.ts"

const entries = { log: logSettings, admin: adminSettings(9090), shutdown: shutdownSettings }

it("has defaults that keep the admin server private and its routes off", () => {
  expect(loadConfig(entries, {})).toEqual({
    log: { level: "info", format: "auto" },
    admin: { bind: "127.0.0.1", port: 9090, token: undefined },
    shutdown: { grace: 20_000 },
  })
})

it("refuses a token that could be guessed", () => {
  expect(() => loadConfig(entries, { env: { SLUICE_ADMIN_TOKEN: "letmein" } })).toThrow(
    "admin.token (SLUICE_ADMIN_TOKEN): [hidden] is not allowed; allowed: 20 to 512 printable ASCII characters without spaces",
  )
})
