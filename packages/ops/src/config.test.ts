import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Bind } from "./bind.ts"
import { type ConfigSources, loadConfig, refuseSetting, resolveConfig } from "./config.ts"
import { parsedKind } from "./kind.ts"
import { bind, choice, decimal, duration, flag, integer, list, orOff, port, secret, size, text, url } from "./kinds.ts"
import { OperatorError } from "./operator-error.ts"
import type { Secret } from "./secret.ts"
import { group, optional, required, setting } from "./settings.ts"

const entries = {
  relay: group("The relay.", {
    host: required(text(), { help: "Its name.", example: "smp.example.org" }),
    port: setting(port(), { default: 5223, help: "Where it listens." }),
    bind: setting(list(bind(), { min: 1 }), { default: ["5223", "127.0.0.1:443"], help: "Where it listens." }),
    password: optional(secret({ minLength: 4 }), { help: "Needed to create queues." }),
    newQueues: setting(flag(), { default: "on", help: "Whether queues can be created." }),
    site: optional(url(), { help: "Its page." }),
    messages: group("Stored messages.", {
      quota: setting(integer({ min: 1, max: 1_000 }), { default: 128, help: "Per queue." }),
      ttl: setting(orOff(duration({ min: "1s" })), { default: "21d", help: "Life." }),
      memory: setting(size({ max: "1TiB" }), { default: "64MiB", help: "Cache." }),
      share: setting(decimal({ min: 0, max: 1 }), { default: 0.5, help: "Part." }),
    }),
  }),
  log: group("Logs.", { level: setting(choice("info", "debug"), { default: "info", help: "How much." }) }),
}

const load = (sources: ConfigSources): ReturnType<typeof loadConfig<typeof entries>> => loadConfig(entries, sources)
const withFile = (text: string, more: ConfigSources = {}): ConfigSources => ({
  file: { name: "sluice.toml", text },
  ...more,
})
const HOST = '[relay]\nhost = "a"\n'
const host = { overrides: { "relay.host": "a" } }

/** The error's message; fails if there is none or it is of another kind. */
function refusal(sources: ConfigSources): string {
  try {
    load(sources)
  } catch (error) {
    expect(error).toBeInstanceOf(OperatorError)
    return (error as OperatorError).message
  }
  return expect.unreachable("was accepted")
}

describe("loadConfig", () => {
  it("gives typed defaults", () => {
    const config = load(host)
    const typed: { port: number; ttl: number | undefined; bind: readonly Bind[]; password: Secret | undefined } = {
      port: config.relay.port,
      ttl: config.relay.messages.ttl,
      bind: config.relay.bind,
      password: config.relay.password,
    }
    expect(typed).toEqual({
      port: 5_223,
      ttl: 1_814_400_000,
      bind: [
        { host: undefined, port: 5_223 },
        { host: "127.0.0.1", port: 443 },
      ],
      password: undefined,
    })
    expect(config.relay.messages.memory).toBe(67_108_864)
    expect(config.log.level).toBe("info")
  })

  it("prefers overrides to the environment to the file", () => {
    const file = `${HOST}port = 1\nnew_queues = "no"\n[relay.messages]\nttl = 1.5\n`
    const env = { SLUICE_RELAY_PORT: "2", SLUICE_RELAY_MESSAGES_TTL: "off", HOME: "/root" }
    expect(load(withFile(file)).relay).toMatchObject({ port: 1, newQueues: false, messages: { ttl: 1_500 } })
    expect(load(withFile(file, { env })).relay).toMatchObject({ port: 2, messages: { ttl: undefined } })
    expect(load(withFile(file, { env, overrides: { "relay.port": 3 } })).relay.port).toBe(3)
    expect(load(withFile(file, { env, overrides: { "relay.port": undefined } })).relay.port).toBe(2)
  })

  it("is deeply frozen", () => {
    const config = load(host)
    for (const part of [config, config.relay, config.relay.messages, config.relay.bind, config.relay.bind[0]]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  it("takes values that are bytes, which can not be frozen", () => {
    const key = setting(
      parsedKind(
        "a text",
        (raw) => ({ bytes: Uint8Array.of(String(raw).length) }),
        () => "four",
      ),
      {
        default: "four",
        help: "A key.",
      },
    )
    expect(loadConfig({ relay: group("A group.", { key }) }, {}).relay.key.bytes).toEqual(Uint8Array.of(4))
  })

  it("reads lists from arrays, commas and single values", () => {
    const binds = (sources: ConfigSources): readonly number[] => load(sources).relay.bind.map(({ port }) => port)
    expect(binds(withFile(`${HOST}bind = [1, "2"]`))).toEqual([1, 2])
    expect(binds(withFile(`${HOST}bind = 3`))).toEqual([3])
    expect(binds({ ...host, env: { SLUICE_RELAY_BIND: "1, [::1]:2 ,*:3" } })).toEqual([1, 2, 3])
  })

  it("takes an empty variable as unset where the setting may be", () => {
    const file = `${HOST}password = "abcd"`
    expect(load(withFile(file, { env: { SLUICE_RELAY_PASSWORD: "" } })).relay.password).toBeUndefined()
    expect(refusal({ ...host, env: { SLUICE_RELAY_PORT: "" } })).toContain("relay.port (SLUICE_RELAY_PORT)")
  })

  it("leaves other programs' sections and variables alone", () => {
    const env = { SLUICE_PROXY_PORT: "x", SLUICE_CONFIG: "/etc/x" }
    const sources = withFile(`${HOST}[proxy]\nport = 'x'`, {
      env,
      foreignGroups: ["proxy"],
      otherEnv: ["SLUICE_CONFIG"],
    })
    expect(load(sources).relay.port).toBe(5_223)
  })
})

describe("what is wrong", () => {
  it.each<[string, ConfigSources, string]>([
    [
      "a file's value",
      withFile(`${HOST}port = 70000`),
      "relay.port (sluice.toml line 3): 70000 is not allowed; allowed: a whole number, 0 to 65535",
    ],
    [
      "a variable",
      { ...host, env: { SLUICE_RELAY_MESSAGES_TTL: "12x" } },
      'relay.messages.ttl (SLUICE_RELAY_MESSAGES_TTL): "12x" is not allowed; allowed: a duration such as 250ms, 1.5s, 10m, 2h or 21d, at least 1s, or off',
    ],
    [
      "an override",
      { overrides: { "relay.host": "a", "log.level": "loud" } },
      'log.level (command line): "loud" is not allowed; allowed: one of info, debug',
    ],
    [
      "a value that a variable would hide",
      withFile(`${HOST}port = "x"`, { env: { SLUICE_RELAY_PORT: "1" } }),
      'relay.port (sluice.toml line 3): "x" is not allowed; allowed: a whole number, 0 to 65535',
    ],
    [
      "a missing value",
      {},
      "relay.host is not set: set it in the file or as SLUICE_RELAY_HOST; allowed: a text that is not empty",
    ],
    [
      "an unknown key",
      withFile(`${HOST}prot = 1`),
      'relay.prot (sluice.toml line 3): unknown key; did you mean "relay.port"?',
    ],
    [
      "an unknown section",
      withFile(`${HOST}[relay.message]\nttl = 1`),
      'relay.message (sluice.toml line 3): unknown key; did you mean "relay.messages"?',
    ],
    ["an unknown override", { overrides: { zzz: 1 } }, "zzz (command line): unknown key"],
    [
      "an unknown variable",
      { env: { SLUICE_RELAY_PROT: "1" } },
      'SLUICE_RELAY_PROT: unknown variable; did you mean "SLUICE_RELAY_PORT"?',
    ],
    [
      "Kubernetes' variables",
      { env: { SLUICE_RELAY_SERVICE_HOST: "10.0.0.1", SLUICE_RELAY_PORT: "tcp://10.0.0.1:5223" } },
      "SLUICE_RELAY_SERVICE_HOST: unknown variable; Kubernetes adds such variables, set enableServiceLinks: false in the pod",
    ],
    ["a value in place of a section", withFile("relay = 1"), "relay (sluice.toml line 1): 1 in place of a section"],
    [
      "a section in place of a value",
      withFile(`${HOST}[relay.port]\nx = 1`),
      "relay.port (sluice.toml line 3): a table is not allowed; allowed: a whole number, 0 to 65535",
    ],
    [
      "broken TOML, without the line that may hold a secret",
      withFile('[relay]\npassword = hunter2"\n'),
      "sluice.toml line 2, column 12: not valid TOML: invalid value",
    ],
    [
      "a short secret",
      { ...host, env: { SLUICE_RELAY_PASSWORD: "abc" } },
      "relay.password (SLUICE_RELAY_PASSWORD): [hidden] is not allowed; allowed: a text of at least 4 characters",
    ],
  ])("%s is told in one line", (_what, sources, message) => expect(refusal(sources)).toBe(message))

  it.each<[string, unknown]>([
    ["relay.port", 1.5],
    ["relay.port", -1],
    ["relay.port", "0x10"],
    ["relay.port", "1e3"],
    ["relay.port", true],
    ["relay.port", Number.NaN],
    ["relay.new_queues", "maybe"],
    ["relay.new_queues", 2],
    ["relay.messages.quota", 0],
    ["relay.messages.share", "1.01"],
    ["relay.messages.share", Infinity],
    ["relay.messages.ttl", "0.5s"],
    ["relay.messages.ttl", true],
    ["relay.messages.memory", "2TiB"],
    ["relay.bind", []],
    ["relay.bind", ["5223", "nowhere"]],
    ["relay.bind", { port: 1 }],
    ["relay.bind", true],
    ["relay.host", ""],
    ["relay.host", 5],
    ["relay.host", "a\nb"],
    ["relay.site", "example.org"],
    ["relay.site", "ftp://example.org"],
    ["relay.site", "https://user:pass@example.org"],
  ])("%s = %j is refused", (key, value) => {
    expect(refusal({ overrides: { "relay.host": "a", [key]: value } })).toContain(`${key} (command line): `)
  })

  it.each<[unknown, boolean]>([
    ...["on", "true", "yes", "1", "ON", " True ", 1, true].map((word): [unknown, boolean] => [word, true]),
    ...["off", "false", "no", "0", 0, false].map((word): [unknown, boolean] => [word, false]),
  ])("%j is a switch", (word, value) => {
    expect(load({ overrides: { "relay.host": "a", "relay.new_queues": word } }).relay.newQueues).toBe(value)
  })

  it("never shows a secret and always is one line, whatever is given", () => {
    const names = ["SLUICE_RELAY_PASSWORD", "SLUICE_RELAY_PORT", "SLUICE_RELAY_BIND", "SLUICE_LOG_LEVEL", "SLUICE_X"]
    const junk = fc.string({ unit: "binary" })
    const env = fc.dictionary(fc.constantFrom(...names), junk)
    const keys = fc.constantFrom("host", "port", "bind", "password", "password_file", "messages", "zzz", "__proto__")
    const value = fc.oneof(
      junk.map((text) => JSON.stringify(text)),
      junk,
      fc.constantFrom("1", "[", "{}", "1979-05-27"),
    )
    const file = fc
      .array(fc.tuple(keys, value))
      .map((lines) => `[relay]\n${lines.map((l) => l.join(" = ")).join("\n")}`)
    fc.assert(
      fc.property(env, file, (env, text) => {
        try {
          load(withFile(text, { env: { ...env, SLUICE_RELAY_PASSWORD: "§" }, ...host }))
        } catch (error) {
          expect(error).toBeInstanceOf(OperatorError)
          expect((error as Error).message).toMatch(/^\P{Cc}+$/u)
          expect((error as Error).message).not.toContain("§")
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe("secrets from files", () => {
  const readSecretFile = (path: string): string => {
    if (path !== "/run/secret") throw Object.assign(new Error("no such file"), { code: "ENOENT" })
    return "hunter2\n"
  }
  const password = (sources: ConfigSources): string | undefined =>
    load({ ...host, readSecretFile, ...sources }).relay.password?.reveal()

  it("come by variable and by key", () => {
    expect(password({ env: { SLUICE_RELAY_PASSWORD_FILE: "/run/secret" } })).toBe("hunter2")
    expect(password(withFile('[relay]\npassword_file = "/run/secret"'))).toBe("hunter2")
    const file = '[relay]\npassword = "from the file"'
    expect(password(withFile(file, { env: { SLUICE_RELAY_PASSWORD_FILE: "/run/secret" } }))).toBe("hunter2")
  })

  it("must be readable, and given once", () => {
    const env = { SLUICE_RELAY_PASSWORD_FILE: "/nowhere" }
    expect(refusal({ ...host, env, readSecretFile })).toBe(
      'relay.password (SLUICE_RELAY_PASSWORD_FILE): cannot read the file "/nowhere" (ENOENT)',
    )
    expect(refusal({ ...host, env })).toContain("cannot read the file")
    expect(refusal({ ...host, env: { SLUICE_RELAY_PASSWORD_FILE: "" } })).toContain("allowed: the path of a file")
    const both = { SLUICE_RELAY_PASSWORD: "abcd", SLUICE_RELAY_PASSWORD_FILE: "/run/secret" }
    expect(refusal({ ...host, env: both, readSecretFile })).toBe(
      "relay.password: given twice, by SLUICE_RELAY_PASSWORD and by SLUICE_RELAY_PASSWORD_FILE; keep one of them",
    )
  })

  it("exist for secrets only", () => {
    expect(refusal({ env: { SLUICE_RELAY_HOST_FILE: "/run/secret" }, readSecretFile })).toContain("unknown variable")
  })
})

describe("refuseSetting", () => {
  it("words a contradiction like any other error", () => {
    const resolved = resolveConfig(entries, { ...host, env: { SLUICE_RELAY_PASSWORD: "abcd" } })
    expect(refuseSetting(entries, resolved, "relay.password", "none while queues cannot be created").message).toBe(
      "relay.password (SLUICE_RELAY_PASSWORD): [hidden] is not allowed; allowed: none while queues cannot be created",
    )
    expect(refuseSetting(entries, resolved, "relay.port", "another").message).toBe(
      "relay.port (default): 5223 is not allowed; allowed: another",
    )
    expect(() => refuseSetting(entries, resolved, "relay.nothing", "")).toThrow(TypeError)
  })
})
