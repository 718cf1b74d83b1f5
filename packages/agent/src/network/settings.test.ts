import { nativeCrypto } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import { describe, expect, it } from "vitest"
import { isProtected, reachable } from "./hosts.ts"
import { goesThroughProxy } from "./routes.ts"
import { sessionKey, socksIdentity } from "./session-key.ts"
import { networkSettings, PRIVACY_LEVELS, type PrivacyLevel } from "./settings.ts"

const ONION = "abc.onion"
const both: Server = { hosts: ["a.example", ONION], port: "", keyHash: new Uint8Array(32) }
const socks = { proxy: { host: "127.0.0.1", port: 9050 }, use: "onion" } as const
const owner = { userId: 1, connectionId: Uint8Array.of(1, 2) }

describe("the privacy level", () => {
  it.each(Object.keys(PRIVACY_LEVELS) as PrivacyLevel[])("%s presets everything", (privacy) => {
    expect(networkSettings({ privacy })).toEqual(PRIVACY_LEVELS[privacy])
  })

  it("leaves every setting to be set by itself", () => {
    expect(networkSettings({ privacy: "maximum", sessionMode: "user", noise: undefined })).toEqual({
      ...PRIVACY_LEVELS.maximum,
      sessionMode: "user",
      noise: undefined,
    })
    expect(networkSettings({ proxyUse: undefined }).proxyUse).toBe(PRIVACY_LEVELS.standard.proxyUse)
  })
})

describe("hosts", () => {
  it.each([
    ["onion-via-socks", undefined, ["a.example"]],
    ["onion-via-socks", socks, [ONION]],
    ["onion", undefined, [ONION]],
    ["public", socks, ["a.example"]],
  ] as const)("of mode %s", (hostMode, proxy, hosts) => {
    expect(reachable(both, networkSettings({ hostMode, socks: proxy })).hosts).toEqual(hosts)
  })

  it("of another kind are taken unless one is required", () => {
    const onion = { ...both, hosts: [ONION] }
    expect(reachable(onion, networkSettings({ hostMode: "public" })).hosts).toEqual([ONION])
    expect(() => reachable(onion, networkSettings({ hostMode: "public", requiredHost: true }))).toThrow("HOST")
  })

  it("protect the address behind SOCKS, or Tor's network", () => {
    expect(isProtected(both, networkSettings())).toBe(false)
    expect(isProtected(both, networkSettings({ socks: { ...socks, use: "always" } }))).toBe(true)
    expect(isProtected(both, networkSettings({ socks, hostMode: "onion" }))).toBe(true)
  })
})

describe("a proxy", () => {
  const known = [{ address: { ...both, scheme: "smp" as const } }]
  const always = { ...socks, use: "always" } as const
  it.each([
    ["always", known, undefined, true],
    ["unknown", known, undefined, false],
    ["unknown", [], always, true],
    ["unprotected", [], undefined, true],
    ["unprotected", [], always, false],
    ["never", [], undefined, false],
  ] as const)("in mode %s", (proxyUse, servers, proxy, expected) => {
    expect(goesThroughProxy(both, servers, networkSettings({ proxyUse, socks: proxy }))).toBe(expected)
  })
})

describe("sessions", () => {
  const other = { ...owner, connectionId: Uint8Array.of(3) }
  it.each([
    ["user", true],
    ["session", true],
    ["server", true],
    ["entity", false],
  ] as const)("of mode %s", (mode, shared) => {
    expect(sessionKey(mode, owner, both) === sessionKey(mode, other, both)).toBe(shared)
    expect(sessionKey(mode, owner, both)).not.toBe(sessionKey(mode, { ...owner, userId: 2 }, both))
  })

  it("have the SOCKS identity that their mode says", () => {
    const at = (mode: "user" | "session" | "server" | "entity"): string => socksIdentity(mode, owner, both, 77)
    const key = "00".repeat(32)
    expect([at("user"), at("session"), at("server"), at("entity")]).toEqual([
      "1",
      "1:77",
      `1:77@${key}@a.example,${ONION}:`,
      `1:77@${key}@a.example,${ONION}:/0102`,
    ])
    expect(nativeCrypto.sha256(Uint8Array.of()).length).toBe(32)
  })
})
