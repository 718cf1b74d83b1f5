import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { describe, expect, it } from "vitest"
import type { ShownCertificate } from "../src/certificate-table.ts"
import { sluice, temporaryFolder } from "./sluice.ts"

async function mode(...path: string[]): Promise<string> {
  return ((await stat(join(...path))).mode & 0o777).toString(8)
}

describe("sluice init", () => {
  it("makes a relay: private files, and its address alone on standard output", async () => {
    await using folder = await temporaryFolder()
    const data = join(folder.path, "deep", "data")
    const made = await sluice(["init", "--data", data, "--host", "smp.example.org,example.onion", "--port", "7001"])
    expect(made.code).toBe(0)
    expect(made.stdout).toMatch(/^smp:\/\/[\w-]{43}=@smp\.example\.org,example\.onion:7001\n$/)
    const { keyHash } = parseServerAddress(made.stdout.trim())
    expect(keyHash).toHaveLength(32)

    expect(await mode(data)).toBe("700")
    expect(await mode(data, "sluice.toml")).toBe("600")
    expect(await mode(data, "identity")).toBe("700")
    expect(await mode(data, "identity", "ca.key")).toBe("600")
    expect(await mode(data, "identity", "server.key")).toBe("600")

    const toml = await readFile(join(data, "sluice.toml"), "utf8")
    expect(toml).toContain('\nhost = [ "smp.example.org", "example.onion" ]\n')
    expect(toml).toContain("\nport = 7001\n")
    expect(toml).toMatch(/\n#message_quota = 128\n/)

    expect((await sluice(["address", "--data", data])).stdout).toBe(made.stdout)
    expect((await sluice(["cert", "fingerprint", "--data", data])).stdout.trim()).toBe(made.stdout.slice(6, 50))
  })

  it("refuses to overwrite", async () => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: folder.path }
    expect((await sluice(["init"], { env })).code).toBe(0)
    const before = await readFile(join(folder.path, "identity", "ca.crt"), "utf8")
    const again = await sluice(["init"], { env })
    expect(again).toEqual({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/^sluice: .*ca\.crt exists already.*\n$/),
    })
    await rm(join(folder.path, "identity"), { recursive: true })
    expect((await sluice(["init"], { env })).stderr).toMatch(/^sluice: .*sluice\.toml exists already.*\n$/)
    expect(before).toContain("BEGIN CERTIFICATE")
  })

  it("makes a random password and keeps it out of everything but the address and its own file", async () => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: folder.path }
    const made = await sluice(["init", "--password", "--json"], { env })
    const { address, fingerprint } = JSON.parse(made.stdout) as Record<string, string>
    const password = parseServerAddress(address ?? "").password ?? ""
    expect(password).toMatch(/^[\w-]{43}$/)
    expect(address).toContain(fingerprint)
    expect(await readFile(join(folder.path, "sluice.toml"), "utf8")).toContain(`\npassword = "${password}"\n`)
    expect((await sluice(["address"], { env })).stdout).toBe(`${address}\n`)
    expect((await sluice(["address", "--no-password"], { env })).stdout).toBe(`smp://${fingerprint}@localhost\n`)
    const shown = await sluice(["config", "show"], { env })
    expect(shown.stdout).toMatch(/\npassword = "\[hidden\]" # .*sluice\.toml line \d+\n/)
    expect(shown.stdout).not.toContain(password)
  })

  it("does not replace an identity that was lost while its queues are there", async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, "store"))
    for (const command of ["init", "up"]) {
      const { code, stderr } = await sluice([command, "--data", folder.path])
      expect(code).toBe(2)
      expect(stderr).toMatch(
        /^sluice: identity\.path: .* has no certificates, but .*store has queues of a relay; .*\n$/,
      )
    }
  })
})

describe("sluice cert", () => {
  it("shows and rotates the online certificate; the address and the kind of key stay", async () => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: folder.path }
    await sluice(["init", "--ed448"], { env })
    const chain = async (): Promise<ShownCertificate[]> =>
      JSON.parse((await sluice(["cert", "show", "--json"], { env })).stdout) as ShownCertificate[]
    const before = await chain()
    expect(before.map(({ role, algorithm }) => [role, algorithm])).toEqual([
      ["online", "ed448"],
      ["identity", "ed448"],
    ])
    const rotated = await sluice(["cert", "rotate", "--days", "90"], { env })
    expect(rotated.code).toBe(0)
    const after = await chain()
    expect(after[1]?.fingerprint).toBe(before[1]?.fingerprint)
    expect(after[0]?.fingerprint).not.toBe(before[0]?.fingerprint)
    expect(after[0]?.algorithm).toBe("ed448")
    // It begins an hour early, for clients whose clocks are late.
    const [from = 0, to = 0] = [after[0]?.notBefore, after[0]?.notAfter].map((date) => Date.parse(date ?? ""))
    expect(to - from).toBe((90 * 24 + 1) * 3_600_000)
    expect(await mode(folder.path, "identity", "server.key")).toBe("600")
    expect((await sluice(["cert", "show"], { env })).stdout).toContain(String(after[0]?.fingerprint))
  })

  it("says what is missing or broken", async () => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: folder.path }
    await sluice(["init"], { env })
    await rm(join(folder.path, "identity", "ca.key"))
    expect(await sluice(["cert", "rotate"], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^sluice: .*ca\.key is not here: .*\n$/),
    })
    await writeFile(join(folder.path, "identity", "server.crt"), "not a certificate")
    expect(await sluice(["cert", "show"], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^sluice: .*server\.crt: not a PEM file.*\n$/),
    })
    await writeFile(join(folder.path, "identity", "ca.crt"), "not a certificate")
    expect(await sluice(["address"], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^sluice: .*ca\.crt is not a certificate.*\n$/),
    })
  })
})

describe("sluice config", () => {
  it("shows where values come from, as text and as JSON", async () => {
    await using folder = await temporaryFolder()
    await writeFile(join(folder.path, "own.toml"), "[relay]\nmessage_quota = 5\n")
    const env = { SLUICE_DATA: folder.path, SLUICE_CONFIG: join(folder.path, "own.toml"), SLUICE_RELAY_PORT: "7001" }
    const { stdout } = await sluice(["config", "show", "--json"], { env })
    expect(JSON.parse(stdout)).toMatchObject({
      "relay.port": { value: 7001, origin: "SLUICE_RELAY_PORT" },
      "relay.message_quota": { value: 5, origin: expect.stringContaining("own.toml line 2") },
      "relay.message_ttl": { value: "21d", origin: "default" },
      "relay.password": { value: null, origin: "default" },
    })
    expect(await sluice(["config", "check"], { env })).toMatchObject({ code: 0, stdout: "" })
  })

  it("prints an example that is right", async () => {
    await using folder = await temporaryFolder()
    const { stdout } = await sluice(["config", "example"])
    const file = join(folder.path, "example.toml")
    await writeFile(file, stdout.replaceAll(/^#(\w+ = )(?!")/gm, "$1"))
    expect(await sluice(["config", "check", "--config", file])).toMatchObject({ code: 0 })
  })
})
