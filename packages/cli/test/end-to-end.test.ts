// The program as people and scripts use it: a relay in one process, everything else in others.
import { mkdir, readFile, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { PingReport } from "../src/actions/ping.ts"
import { type Result, type Running, sluice, start, temporaryFolder } from "./sluice.ts"

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let env: Record<string, string>
let relay: Running
let address: string

const run = (args: readonly string[], input?: string): Promise<Result> =>
  sluice(args, { env, cwd: folder.path, ...(input !== undefined && { input }) })

/** Runs `sluice up` until it serves. */
async function up(): Promise<Running> {
  const running = start(["up"], { env, cwd: folder.path })
  await running.said(/"message":"started"/)
  return running
}

beforeAll(async () => {
  folder = await temporaryFolder()
  env = { SLUICE_DATA: join(folder.path, "data"), SLUICE_RELAY_PORT: "0", SLUICE_ADMIN_PORT: "0" }
  relay = await up()
  address = (await run(["address"])).stdout.trim()
})

afterAll(async () => {
  relay.child.kill("SIGTERM")
  await relay.ended
  await folder[Symbol.asyncDispose]()
})

describe("sluice up, the first time", () => {
  it("makes a relay and says its address, a code to scan, and what to try", async () => {
    const text = await relay.said(/"message":"started"/)
    expect(text).toContain(`\n${address}\n`)
    expect(text).toMatch(/\n█{30,}\n/)
    expect(text).toContain("npm run demo")
    expect(address).toMatch(/^smp:\/\/[\w-]{43}=@localhost:\d+$/)
  })

  it("keeps its files to itself", async () => {
    for (const [path, mode] of [
      ["", 0o700],
      ["sluice.toml", 0o600],
      ["relay.running.json", 0o600],
      ["identity/server.key", 0o600],
    ] as const) {
      expect(((await stat(join(folder.path, "data", path))).mode & 0o777).toString(8), path).toBe(mode.toString(8))
    }
  })
})

describe("sluice ping", () => {
  it("shows TLS, certificates, versions and times", async () => {
    const { code, stdout, stderr } = await run(["ping", address, "--json", "--count", "3"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    const report = JSON.parse(stdout) as PingReport
    expect(report.tls).toMatchObject({ version: "TLSv1.3", cipher: "TLS_CHACHA20_POLY1305_SHA256", alpn: "smp/1" })
    expect(["X25519", "X448"]).toContain(report.tls.group)
    expect(report.certificates.map(({ role }) => role)).toEqual(["online", "identity"])
    expect(address).toContain(String(report.certificates[1]?.fingerprint))
    expect(report.versions).toEqual({ min: 6, max: 20, agreed: 20 })
    expect(report.blockEncryption).toBe(true)
    expect(report.roundTrip.allMs).toHaveLength(3)
  })

  it("finds the relay of the data folder by itself", async () => {
    const { code, stdout } = await run(["ping", "--count", "1"])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^server {8}localhost:\d+\nTLS {11}TLSv1\.3, /)
  })

  it("refuses another server than that of the address", async () => {
    const other = address.replace(/\/\/.{8}/, "//AAAAAAAA")
    expect(await run(["ping", other])).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^sluice: localhost:\d+: this is another server than the one of the address.*\n$/),
    })
  })

  it("tells in one line why there is no connection", async () => {
    const fingerprint = address.slice(6, 50)
    const expectation = (line: RegExp): Result => ({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(line) as string,
    })
    // Port 1 is privileged and nobody's.
    expect(await run(["ping", `smp://${fingerprint}@127.0.0.1:1`])).toEqual(
      expectation(/^sluice: 127\.0\.0\.1:1: .*ECONNREFUSED\)\n$/),
    )
    expect(await run(["ping", `smp://${fingerprint}@no-such-host.invalid`])).toEqual(
      expectation(/^sluice: no-such-host\.invalid:5223: cannot connect: .*(ENOTFOUND|EAI_AGAIN)\)\n$/),
    )
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    const bound = silent.address()
    const port = typeof bound === "object" && bound !== null ? bound.port : 0
    expect(await run(["ping", `smp://${fingerprint}@127.0.0.1:${port}`, "--timeout", "0.2"])).toEqual(
      expectation(/^sluice: 127\.0\.0\.1:\d+: no answer in time\n$/),
    )
    silent.close()
  })
})

describe("sluice queue", () => {
  it("carries messages from one script to another", async () => {
    const created = await run(["queue", "create", "--file", "inbox.json"])
    expect({ ...created, stdout: "" }).toEqual({ code: 0, stdout: "", stderr: "" })
    expect(created.stdout).toMatch(/^smp:\/\/[^/:]+@localhost:\d+\/[\w-]{32}#\/\?v=2-4&dh=[\w-]+%3D&q=m&k=s\n$/)
    await writeFile(join(folder.path, "inbox.address"), created.stdout)
    expect((await stat(join(folder.path, "inbox.json"))).mode & 0o777).toBe(0o600)

    const queue = created.stdout.trim()
    const sent = await run(["queue", "send", queue, "hello", "--state", "sender.json"])
    expect(sent).toEqual({ code: 0, stdout: "", stderr: "Sent 5 bytes.\n" })
    expect((await stat(join(folder.path, "sender.json"))).mode & 0o777).toBe(0o600)
    expect((await run(["queue", "send", "inbox.address", "-s", "sender.json"], "from a pipe ✓")).code).toBe(0)

    const info = JSON.parse((await run(["queue", "info", "inbox.json", "--json"])).stdout) as object
    expect(info).toMatchObject({ secured: true, messages: 2, mode: "messaging", first: { type: "message" } })

    const first = await run(["queue", "receive", "inbox.json", "--keep"])
    expect(first).toEqual({ code: 0, stdout: "hello\n", stderr: "" })
    const both = await run(["queue", "receive", "inbox.json", "--count", "2", "--json"])
    expect(both.code).toBe(0)
    const messages = both.stdout.trim().split("\n")
    expect(messages.map((line) => (JSON.parse(line) as { text: string }).text)).toEqual(["hello", "from a pipe ✓"])

    const nothing = await run(["queue", "receive", "inbox.json", "--count", "1", "--timeout", "0.2"])
    expect(nothing).toEqual({ code: 1, stdout: "", stderr: "sluice: inbox.json: 0 of 1 messages came in time\n" })
    expect((await run(["queue", "receive", "inbox.json", "--timeout", "0.2"])).code).toBe(0)

    const stranger = await run(["queue", "send", queue, "let me in"])
    expect(stranger.code).toBe(1)
    expect(stranger.stderr).toMatch(/^sluice: localhost:\d+: the server answered ERR AUTH to SEND: .*\n$/)

    expect(await run(["queue", "delete", "inbox.json"])).toMatchObject({ code: 0, stdout: "" })
    await expect(stat(join(folder.path, "inbox.json"))).rejects.toThrow("ENOENT")
    expect((await run(["queue", "send", queue, "too late", "-s", "sender.json"])).code).toBe(1)
  })

  it("receives from many in a contact queue, bytes of any kind", async () => {
    const { stdout: secrets, stderr } = await run(["queue", "create", "--contact"])
    expect(stderr).toMatch(/^These are the secrets/)
    await writeFile(join(folder.path, "contact.json"), secrets)
    for (const text of ["one", "two"]) expect((await run(["queue", "send", "contact.json", text])).code).toBe(0)
    expect((await run(["queue", "receive", "contact.json", "--count", "2"])).stdout).toBe("one\ntwo\n")
  })

  it("is interrupted without a failure", async () => {
    await run(["queue", "create", "-f", "waiting.json"])
    const queue = (JSON.parse(await readFile(join(folder.path, "waiting.json"), "utf8")) as { queue: string }).queue
    const first = start(["queue", "receive", "waiting.json"], { env, cwd: folder.path })
    await run(["queue", "send", queue, "to the first", "-s", "waiting-sender.json"])
    await first.printed(/to the first\n/)
    first.child.kill("SIGINT")
    expect(await first.ended).toEqual({ code: 0, stdout: "to the first\n", stderr: "" })
  })

  it("refuses to overwrite keys, files of another kind, and what is too long", async () => {
    await mkdir(join(folder.path, "kinds"))
    const sub = { env, cwd: join(folder.path, "kinds") }
    await sluice(["queue", "create", "-f", "q.json"], sub)
    const line = async (args: readonly string[], input?: string): Promise<string> => {
      const { code, stderr } = await sluice(args, { ...sub, ...(input !== undefined && { input }) })
      expect(code).toBe(2)
      return stderr
    }
    expect(await line(["queue", "create", "-f", "q.json"])).toBe(
      "sluice: q.json exists already; name a new file, or remove it\n",
    )
    expect(await line(["queue", "send", "q.json", "x", "-s", "q.json"])).toMatch(
      /^sluice: q\.json is not allowed; allowed: a file of the kind "sluice queue, sender".*\n$/,
    )
    expect(await line(["queue", "send", "q.json"], "x".repeat(15_902))).toMatch(
      /^sluice: standard input: more than 15901 bytes.*\n$/,
    )
    await writeFile(join(sub.cwd, "empty.json"), "")
    expect(await line(["queue", "info", "empty.json"])).toMatch(/^sluice: empty\.json is not allowed; allowed: .*\n$/)
  })
})

describe("sluice demo", () => {
  it("shows two clients exchanging messages, and exits 0", async () => {
    const { code, stdout, stderr } = await run(["demo"])
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toContain("Bob    reads “Hello Bob! Who can read this?”")
    expect(stdout).toContain("What the relay saw")
    expect(stdout.trimEnd()).toMatch(/Done: every message arrived, and only the other side could read it\.$/)
  })
})

describe("a relay that is stopped and started again", () => {
  it("ends with 0 on SIGTERM and on SIGINT, and keeps address and messages", async () => {
    const queue = (await run(["queue", "create", "-f", "kept.json"])).stdout.trim()
    await run(["queue", "send", queue, "still here"])
    relay.child.kill("SIGTERM")
    expect(await relay.ended).toMatchObject({ code: 0, stdout: "" })
    await expect(stat(join(folder.path, "data", "relay.running.json"))).rejects.toThrow("ENOENT")
    expect((await run(["address"])).stderr).toMatch(/^sluice: relay\.port is 0, .*\n$/)

    env = { ...env, SLUICE_RELAY_PORT: new URL(address.replace("smp:", "http:")).port }
    const second = await up()
    expect((await run(["address"])).stdout.trim()).toBe(address)
    expect((await run(["queue", "receive", "kept.json", "-c", "1"])).stdout).toBe("still here\n")
    second.child.kill("SIGINT")
    expect(await second.ended).toMatchObject({ code: 0, stdout: "" })

    relay = start(["relay"], { env, cwd: folder.path })
    await relay.said(/"message":"started"/)
    const busy = await run(["relay"])
    expect(busy.code).toBe(2)
    expect(busy.stderr.trim().split("\n").at(-1)).toMatch(/^sluice: .*EADDRINUSE/)
  })
})
