import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { commandLine } from "../src/command-line.ts"
import { sluice, temporaryFolder } from "./sluice.ts"

/** What a wrong use must look like: exit code 2, one line that begins with the program's name, nothing on stdout. */
async function refusal(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  await using folder = await temporaryFolder()
  const { code, stdout, stderr } = await sluice(args, { env: { SLUICE_DATA: join(folder.path, "none"), ...env } })
  expect({ code, stdout, lines: stderr.split("\n").length }).toEqual({ code: 2, stdout: "", lines: 2 })
  return stderr.trimEnd()
}

describe("what is asked wrongly gets one line and exit code 2", () => {
  it.each([
    [["--nonsense"], "sluice: unknown option '--nonsense'"],
    [["pnig"], "sluice: unknown command 'pnig'; did you mean ping?"],
    [["ping", "--cuont", "3"], "sluice: unknown option '--cuont'; did you mean --count?"],
    [["queue", "sned"], "sluice: unknown command 'sned'; did you mean send?"],
    [["queue", "send"], "sluice: missing required argument 'queue'"],
    [["address", "me"], /too many arguments/],
    [["ping", "--count", "many"], /'-c, --count <n>' argument 'many' is invalid. Allowed: a whole number, 1 to 10000$/],
    [["ping", "--timeout", "-1"], /'--timeout <seconds>' argument '-1' is invalid. Allowed: seconds/],
    [
      ["ping", "localhost"],
      'sluice: ADDRESS: "localhost" is not allowed; allowed: smp://fingerprint[:password]@host[:port]',
    ],
    [["queue", "send", "smp://x"], /^sluice: QUEUE: "smp:\/\/x" is not allowed; allowed: smp:\/\/fingerprint@host/],
    [["queue", "receive", "nowhere.json"], "sluice: nowhere.json cannot be read (there is no such file)"],
    [
      ["init", "--port", "http"],
      'sluice: relay.port (command line): "http" is not allowed; allowed: a whole number, 0 to 65535',
    ],
    [["init", "--password", "a b"], /^sluice: relay.password \(command line\): \[hidden\] is not allowed; allowed: /],
    [["address"], /^sluice: there is no relay in .*: make one with `sluice init`/],
    [["relay"], /^sluice: identity.path: .* not found/],
    [
      ["config", "check", "--config", "nowhere.toml"],
      /^sluice: cannot read the configuration file .*nowhere.toml \(ENOENT\)$/,
    ],
  ] as const)("%j", async (args, message) => {
    const line = await refusal(args)
    if (typeof message === "string") expect(line).toBe(message)
    else expect(line).toMatch(message)
  })

  it("never shows the password of an address", async () => {
    const line = await refusal(["ping", "smp://AAAA:verysecret@localhost"])
    expect(line).toContain('"smp://AAAA:[hidden]@localhost"')
  })

  it("names wrong variables, and unknown ones", async () => {
    expect(await refusal(["config", "show"], { SLUICE_RELAY_PORT: "x" })).toMatch(
      /^sluice: relay.port \(SLUICE_RELAY_PORT\): "x" is not/,
    )
    expect(await refusal(["up"], { SLUICE_RELAY_PROT: "1" })).toMatch(
      /^sluice: SLUICE_RELAY_PROT: unknown variable; did you mean/,
    )
  })
})

describe("help", () => {
  const every = commandLine(() => undefined).commands.flatMap((command) => [command, ...command.commands])
  const working = every.filter(({ commands }) => commands.length === 0)

  it("is there for every command, with examples that are commands", () => {
    expect(working.length).toBeGreaterThan(15)
    for (const command of working) {
      let help = ""
      command.configureOutput({ writeOut: (text) => (help += text) })
      command.outputHelp()
      expect(help, command.name()).toMatch(/\nExamples:\n {2}\$ .*sluice.*\n {6}\S/)
      expect(command.description(), command.name()).toMatch(/\.$/)
      expect(command.summary(), command.name()).not.toBe("")
    }
  })

  it("goes to standard output when it is asked for", async () => {
    const { code, stdout, stderr } = await sluice(["queue", "create", "--help"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toContain("Usage: sluice queue create [options] [address]")
    expect(stdout).toContain("--data <folder>")
  })

  it("goes to standard error with exit code 2 when there is no command", async () => {
    const { code, stdout, stderr } = await sluice([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toContain("Commands:")
  })

  it("prints the version", async () => {
    expect(await sluice(["--version"])).toEqual({ code: 0, stdout: "sluice 0.1.0\n", stderr: "" })
  })
})
