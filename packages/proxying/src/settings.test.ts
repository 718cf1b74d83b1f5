import { loadConfig } from "@sluice/ops/config"
import { describe, expect, it } from "vitest"
import { defaultRouting, proxySettings } from "./settings.ts"

function load(
  env: Record<string, string> = {},
): ReturnType<typeof loadConfig<{ proxy: typeof proxySettings }>>["proxy"] {
  return loadConfig({ proxy: proxySettings }, { env }).proxy
}

describe("[proxy]", () => {
  it("has the reference's defaults", () => {
    expect(load()).toMatchObject({
      enabled: true,
      allowPrivate: false,
      hostMode: "public",
      requiredHostMode: false,
      socksProxy: undefined,
      socksMode: "onion",
      ownServerDomains: [],
      clientConcurrency: 32,
      connectTimeout: 45_000,
      responseTimeout: 30_000,
      rememberFailure: 30_000,
      silenceCheckInterval: 600_000,
      silenceLimit: 900_000,
      silenceTimeouts: 3,
      minVersion: 6,
      maxVersion: 20,
      maxForwardedVersion: 20,
    })
  })

  it("has the same without a configuration", () => {
    const { enabled: _, ...routing } = load()
    expect(routing).toEqual(defaultRouting)
  })

  it("is read from the environment", () => {
    const proxy = load({
      SLUICE_PROXY_ENABLED: "off",
      SLUICE_PROXY_ALLOW_PRIVATE: "on",
      SLUICE_PROXY_HOST_MODE: "onion",
      SLUICE_PROXY_REQUIRED_HOST_MODE: "on",
      SLUICE_PROXY_SOCKS_PROXY: "[::1]:9050",
      SLUICE_PROXY_SOCKS_CREDENTIALS: "user:pass",
      SLUICE_PROXY_SOCKS_MODE: "always",
      SLUICE_PROXY_OWN_SERVER_DOMAINS: "example.com, simplex.example.org",
      SLUICE_PROXY_REMEMBER_FAILURE: "500ms",
      SLUICE_PROXY_CLIENT_CONCURRENCY: "4",
    })
    expect(proxy).toMatchObject({
      enabled: false,
      allowPrivate: true,
      hostMode: "onion",
      requiredHostMode: true,
      socksProxy: { host: "::1", port: 9050 },
      socksMode: "always",
      ownServerDomains: ["example.com", "simplex.example.org"],
      rememberFailure: 500,
      clientConcurrency: 4,
    })
    expect(proxy.socksCredentials?.reveal()).toBe("user:pass")
    expect(String(proxy.socksCredentials)).not.toContain("pass")
  })

  it.each([
    ["SLUICE_PROXY_SOCKS_PROXY", "localhost"],
    ["SLUICE_PROXY_SOCKS_PROXY", "user:pass@localhost:9050"],
    ["SLUICE_PROXY_SOCKS_PROXY", "localhost:99999"],
    ["SLUICE_PROXY_SOCKS_CREDENTIALS", "user"],
    ["SLUICE_PROXY_OWN_SERVER_DOMAINS", ".example.com"],
    // Relays of these versions encrypt blocks, and a proxy does not.
    ["SLUICE_PROXY_MIN_VERSION", "11"],
    ["SLUICE_PROXY_MIN_VERSION", "13"],
    ["SLUICE_PROXY_MAX_FORWARDED_VERSION", "7"],
    ["SLUICE_PROXY_HOST_MODE", "private"],
    ["SLUICE_PROXY_CLIENT_CONCURRENCY", "0"],
  ])("refuses %s=%s", (name, value) => expect(() => load({ [name]: value })).toThrow(name))
})
