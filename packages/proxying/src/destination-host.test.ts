import { describe, expect, it } from "vitest"
import { chooseHost, destinationPort, type HostRules, isOnion } from "./destination-host.ts"

const RULES: HostRules = {
  hostMode: "public",
  requiredHostMode: false,
  socks: false,
  socksMode: "onion",
  allowPrivate: false,
}
const SOCKS = { ...RULES, socks: true }
const PUBLIC = "smp.example.com"
const ONION = "abc.onion"

describe("chooseHost", () => {
  it.each<[string, HostRules, string[], ReturnType<typeof chooseHost>]>([
    ["takes the first public host", RULES, [ONION, PUBLIC, "b.example"], { host: PUBLIC, via: "direct" }],
    ["refuses a relay with onion hosts only", RULES, [ONION], undefined],
    ["reaches onion hosts through SOCKS", SOCKS, [ONION], { host: ONION, via: "socks" }],
    ["still prefers public ones then", SOCKS, [ONION, PUBLIC], { host: PUBLIC, via: "direct" }],
    ["prefers onion hosts if told so", { ...SOCKS, hostMode: "onion" }, [PUBLIC, ONION], { host: ONION, via: "socks" }],
    ["not without SOCKS", { ...RULES, hostMode: "onion" }, [ONION, PUBLIC], { host: PUBLIC, via: "direct" }],
    ["uses the other kind", { ...SOCKS, hostMode: "onion" }, [PUBLIC], { host: PUBLIC, via: "direct" }],
    ["unless it must not", { ...SOCKS, hostMode: "onion", requiredHostMode: true }, [PUBLIC], undefined],
    ["in either direction", { ...SOCKS, requiredHostMode: true }, [ONION], undefined],
    ["sends all through SOCKS if told so", { ...SOCKS, socksMode: "always" }, [PUBLIC], { host: PUBLIC, via: "socks" }],
    ["but needs one for that", { ...RULES, socksMode: "always" }, [PUBLIC], { host: PUBLIC, via: "direct" }],
    ["passes private hosts over", RULES, ["10.0.0.1", "localhost", PUBLIC], { host: PUBLIC, via: "direct" }],
    ["refuses private hosts through SOCKS, too", { ...SOCKS, socksMode: "always" }, ["127.0.0.1"], undefined],
    [
      "takes private hosts if told so",
      { ...RULES, allowPrivate: true },
      ["10.0.0.1"],
      { host: "10.0.0.1", via: "direct" },
    ],
    ["never asks the DNS for onion hosts", { ...RULES, allowPrivate: true }, [ONION], undefined],
    ["has nothing to choose from", RULES, [], undefined],
  ])("%s", (_what, rules, hosts, expected) => expect(chooseHost(hosts, rules)).toEqual(expected))

  it.each([
    "localhost",
    "LOCALHOST",
    "localhost.",
    "x.localhost",
    "redis",
    "redis.",
    "relay.internal",
    "printer.local",
    "nas.home.arpa",
    "a.test",
    "127.0.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "169.254.169.254",
  ])("refuses %s without a look-up", (host) => expect(chooseHost([host], RULES)).toBeUndefined())

  it.each(["internal.example.com", "local.example", "1.1.1.1", "2606:4700::1111"])("takes %s", (host) =>
    expect(chooseHost([host], RULES)).toEqual({ host, via: "direct" }),
  )
})

describe("isOnion", () => {
  it.each(["a.onion", "A.ONION", "a.onion.", "x.a.Onion"])("knows %s", (host) => expect(isOnion(host)).toBe(true))
  it.each(["onion.example", "aonion", ""])("does not take %s for one", (host) => expect(isOnion(host)).toBe(false))
})

describe("destinationPort", () => {
  it.each([
    ["", 5223],
    ["443", 443],
    ["65535", 65_535],
    ["00080", 80],
  ])("reads %j as %i", (text, port) => expect(destinationPort(text)).toBe(port))

  it.each(["0", "65536", "-1", "5223 ", "http", "1e3", "000443", "0x50"])("refuses %j", (text) =>
    expect(destinationPort(text)).toBeUndefined(),
  )
})
