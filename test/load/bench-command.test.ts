import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type Result, sluice } from "../../packages/cli/test/sluice.ts"
import { TestRelay } from "../support/relay.ts"

let relay: TestRelay
let folder: string
let address: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-bench-"))
  relay = await TestRelay.start()
  const { fingerprint: keyHash } = relay.relay
  address = formatServerAddress({ scheme: "smp", keyHash, hosts: ["127.0.0.1"], port: String(relay.port) })
})

afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const bench = (...args: string[]): Promise<Result> => sluice(["bench", "relay", ...args], { cwd: folder })

it("prints a table, or JSON, and writes a plot", async () => {
  const small = [address, "--pairs", "2", "--count", "10", "--warm-up", "1"]
  const table = await bench(...small, "--svg", "plot.svg")
  expect(table).toMatchObject({ code: 0, stderr: "" })
  expect(table.stdout).toMatch(/^messages: 127\.0\.0\.1:\d+, version 20, .*\n\nmessages +10 messages in /)
  expect(await readFile(join(folder, "plot.svg"), "utf8")).toContain("SEND→MSG")
  const json = await bench(...small, "--json", "--auth", "ed25519", "--smp-version", "9")
  expect(JSON.parse(json.stdout)).toMatchObject({ mode: "messages", version: 9, parts: [{ count: 10, errors: {} }] })
})

it.each([
  [["--mode", "connect", "--rate", "5"], "--rate is not an option of --mode connect, which has: --count, --parallel"],
  [["--mode", "restart", "--pid", "1"], /^sluice: --mode restart ends the server and .* --pid, and --command$/],
  [["--mode", "idle"], "--mode idle reads the memory of the server: give its process as --pid"],
  [["--pid", "4194304"], /--pid: cannot read the figures of process 4194304: /],
  [["--svg", "no/such/folder.svg", "--mode", "connect", "--count", "1"], /--svg: cannot write "no\/such\/folder.svg"$/],
])("refuses %j in one line", async (args, line) => {
  const { code, stdout, stderr } = await bench(address, ...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
  expect(stderr).toMatch(/^sluice: [^\n]*\n$/)
  if (typeof line === "string") expect(stderr).toBe(`sluice: ${line}\n`)
  else expect(stderr.trim()).toMatch(line)
})

it("leaves other machines alone", async () => {
  const { code, stderr } = await bench(address.replace("127.0.0.1", "example.org"))
  expect(code).toBe(2)
  expect(stderr).toBe('sluice: "example.org" is another machine; --allow-remote if you may put load on it\n')
})
