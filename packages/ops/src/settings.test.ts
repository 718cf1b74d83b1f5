import { describe, expect, it } from "vitest"
import { integer, secret, text } from "./kinds.ts"
import { group, listGroups, listSettings, optional, setting, snakeCase } from "./settings.ts"

const help = "Help."

describe("listSettings", () => {
  it("names settings for code, file and environment", () => {
    const entries = {
      top: setting(integer(), { default: 1, help }),
      relay: group("R.", { idleTime: setting(integer(), { default: 1, help }), deep: group("D.", {}) }),
    }
    expect(listSettings(entries).map(({ path, key, env }) => ({ path, key, env }))).toEqual([
      { path: ["top"], key: "top", env: "SLUICE_TOP" },
      { path: ["relay", "idleTime"], key: "relay.idle_time", env: "SLUICE_RELAY_IDLE_TIME" },
    ])
    expect(listGroups(entries).map(({ key }) => key)).toEqual(["relay", "relay.deep"])
    expect(snakeCase("apnsKeyId")).toBe("apns_key_id")
  })

  it("refuses descriptions that cannot work", () => {
    const one = setting(integer(), { default: 1, help })
    expect(() => listSettings({ "bad-name": one })).toThrow(/camel-case/)
    expect(() => listSettings({ a: setting(integer({ max: 5 }), { default: 6, help }) })).toThrow(/default of a/)
    expect(() => listSettings({ aB: one, a: group("A.", { b: one }) })).toThrow(
      "a.b and a_b share the variable SLUICE_A_B",
    )
    expect(() => listSettings({ token: optional(secret(), { help }), tokenFile: optional(text(), { help }) })).toThrow(
      /share the variable SLUICE_TOKEN_FILE/,
    )
  })
})
