import { parse } from "smol-toml"
import { describe, expect, it } from "vitest"
import { loadConfig, resolveConfig } from "./config.ts"
import { renderDefaultToml, renderEffectiveConfig, renderSettingsTable } from "./config-render.ts"
import { bind, duration, flag, integer, list, orOff, secret, text } from "./kinds.ts"
import { group, optional, required, setting } from "./settings.ts"

const entries = {
  data: setting(text(), { default: "/var/lib/sluice", help: "Where data is." }),
  relay: group("The relay.", {
    host: required(text(), { help: "Its name | address.", example: "smp.example.org" }),
    bind: setting(list(bind()), { default: ["5223", "443"], help: "Where it listens." }),
    password: optional(secret(), { help: "Needed to create queues." }),
    messages: group("Stored messages.", {
      ttl: setting(orOff(duration()), { default: "21d", help: "Life." }),
      onSend: setting(flag(), { default: true, help: "Expire on send." }),
      quota: setting(integer(), { default: 128, help: "Per queue." }),
    }),
  }),
}

describe("renderDefaultToml", () => {
  it("is a file that changes nothing but says everything", () => {
    const text = renderDefaultToml(entries)
    expect(text).toBe(`# Where data is.
# Allowed: a text that is not empty. Environment: SLUICE_DATA.
#data = "/var/lib/sluice"


# The relay.
[relay]

# Its name | address.
# Allowed: a text that is not empty. Environment: SLUICE_RELAY_HOST.
# Required.
#host = "smp.example.org"

# Where it listens.
# Allowed: a list, each a port, or address:port such as 127.0.0.1:9090, [::1]:9090 or *:9090. Environment: SLUICE_RELAY_BIND.
#bind = [ "5223", "443" ]

# Needed to create queues.
# Allowed: a text that is not empty. Environment: SLUICE_RELAY_PASSWORD.
# Or in a file of its own: password_file = "<path>". Environment: SLUICE_RELAY_PASSWORD_FILE.
#password = "..."


# Stored messages.
[relay.messages]

# Life.
# Allowed: a duration such as 250ms, 1.5s, 10m, 2h or 21d, or off. Environment: SLUICE_RELAY_MESSAGES_TTL.
#ttl = "21d"

# Expire on send.
# Allowed: on or off (also true/false, yes/no, 1/0). Environment: SLUICE_RELAY_MESSAGES_ON_SEND.
#on_send = true

# Per queue.
# Allowed: a whole number. Environment: SLUICE_RELAY_MESSAGES_QUOTA.
#quota = 128
`)
    expect(parse(text)).toEqual({ relay: { messages: {} } })
  })

  it("gives the defaults when everything in it is uncommented", () => {
    const text = renderDefaultToml(entries).replace(/^#(\w)/gm, "$1")
    const { relay, data } = loadConfig(entries, { file: { name: "f", text } })
    const plain = loadConfig(entries, { overrides: { "relay.host": "smp.example.org" } })
    expect({ ...relay, password: undefined }).toEqual(plain.relay)
    expect(data).toBe(plain.data)
  })

  it("can set values, secrets included", () => {
    const text = renderDefaultToml(entries, { "relay.host": 'a"b', "relay.password": "hunter2" })
    const { relay } = loadConfig(entries, { file: { name: "f", text } })
    expect([relay.host, relay.password?.reveal()]).toEqual(['a"b', "hunter2"])
  })
})

describe("renderSettingsTable", () => {
  const rows = renderSettingsTable(entries).trimEnd().split("\n")

  it("is a Markdown table", () => {
    const cells = rows.map((row) => row.split(/ *(?<!\\)\| */).slice(1, -1))
    expect(cells[0]).toEqual(["Key", "Environment", "Default", "Allowed", "Meaning"])
    expect(cells[1]?.join("")).toMatch(/^-+$/)
    expect(cells.slice(2, 6)).toEqual([
      ["`data`", "`SLUICE_DATA`", '`"/var/lib/sluice"`', "a text that is not empty", "Where data is."],
      ["`relay.host`", "`SLUICE_RELAY_HOST`", "*required*", "a text that is not empty", "Its name \\| address."],
      [
        "`relay.bind`",
        "`SLUICE_RELAY_BIND`",
        '`[ "5223", "443" ]`',
        "a list, each a port, or address:port such as 127.0.0.1:9090, [::1]:9090 or *:9090",
        "Where it listens.",
      ],
      [
        "`relay.password`",
        "`SLUICE_RELAY_PASSWORD`, `SLUICE_RELAY_PASSWORD_FILE`",
        "–",
        "a text that is not empty",
        "Needed to create queues.",
      ],
    ])
  })

  it("has aligned columns", () => {
    expect(new Set(rows.map((row) => row.length)).size).toBe(1)
  })
})

describe("renderEffectiveConfig", () => {
  it("shows values and where they came from, but no secrets", () => {
    const file = { name: "sluice.toml", text: '[relay]\nhost = "a"\n[relay.messages]\nttl = "90s"\n' }
    const env = { SLUICE_RELAY_PASSWORD: "hunter2", SLUICE_RELAY_BIND: "[::1]:1" }
    const text = renderEffectiveConfig(entries, resolveConfig(entries, { file, env }))
    expect(text).toBe(`data = "/var/lib/sluice" # default

[relay]
host = "a" # sluice.toml line 2
bind = [ "[::1]:1" ] # SLUICE_RELAY_BIND
password = "[hidden]" # SLUICE_RELAY_PASSWORD

[relay.messages]
ttl = "90s" # sluice.toml line 4
on_send = true # default
quota = 128 # default
`)
    expect(parse(text)).toMatchObject({ relay: { host: "a" } })
  })

  it("can be read back when there is no secret in it", () => {
    const resolved = resolveConfig(entries, { overrides: { "relay.host": "a", "relay.messages.ttl": "off" } })
    const text = renderEffectiveConfig(entries, resolved)
    expect(text).toContain("# password is not set")
    expect(loadConfig(entries, { file: { name: "f", text } })).toEqual(resolved.config)
  })
})
