// `sluice agent` as a process, used by a program in another language.
import { execFile } from "node:child_process"
import { readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Running, sluice, start, temporaryFolder } from "../packages/cli/test/sluice.ts"
import { addressOf } from "./agent/test-agent.ts"
import { TestRelay } from "./support/relay.ts"

const run = promisify(execFile)
const EXAMPLE = join(import.meta.dirname, "..", "examples", "python", "agent.py")
const python = await run("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).then(
  () => true,
  () => false,
)

let relay: TestRelay
beforeAll(async () => {
  relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
})
afterAll(() => relay[Symbol.asyncDispose]())

/** Starts the service; gives the process, its address and its token file. */
async function service(folder: string, env: Record<string, string> = {}): Promise<[Running, string, string]> {
  const relays = formatServerAddress(addressOf(relay))
  const running = start(["agent"], {
    env: { SLUICE_DATA: folder, SLUICE_AGENT_PORT: "0", SLUICE_AGENT_RELAYS: relays, ...env },
  })
  const [url = "", tokenFile = ""] = (await running.printed(/\n.*\n/)).split("\n")
  return [running, url, tokenFile]
}

describe.skipIf(!python)("a program in Python's standard library", () => {
  it("plays both sides over two services, which end properly", async () => {
    await using first = await temporaryFolder()
    await using second = await temporaryFolder()
    const [one, url1, token1] = await service(first.path)
    const [two, url2, token2] = await service(second.path)
    expect(((await stat(token1)).mode & 0o777).toString(8)).toBe("600")
    const { stdout } = await run("python3", [EXAMPLE, "--self-test", url1, token1, url2, token2], { timeout: 40_000 })
    expect(stdout).toContain("“you said: Is anybody there? 🐍”\nself-test: ok")
    one.child.kill("SIGTERM")
    two.child.kill("SIGTERM")
    expect((await one.ended).code).toBe(0)
    const { code, stderr } = await two.ended
    expect(code).toBe(0)
    expect(stderr).not.toContain((await readFile(token2, "utf8")).trim())
  })
})

describe("sluice agent", () => {
  it("does not listen where others reach it, unless told", async () => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: folder.path, SLUICE_AGENT_BIND: "0.0.0.0", SLUICE_AGENT_PORT: "0" }
    const refused = await sluice(["agent"], { env })
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/^sluice: agent\.bind: "0\.0\.0\.0" is not allowed; allowed: .*\n$/)
    const [allowed, url] = await service(folder.path, { SLUICE_AGENT_BIND: "0.0.0.0", SLUICE_AGENT_REMOTE: "true" })
    expect(url).toMatch(/^ws:\/\/0\.0\.0\.0:\d+\/agent$/)
    allowed.child.kill("SIGTERM")
    expect((await allowed.ended).code).toBe(0)
  })

  it("says what is wrong with its store", async () => {
    await using folder = await temporaryFolder()
    const [first] = await service(folder.path, { SLUICE_AGENT_PASSPHRASE: "the right one" })
    first.child.kill("SIGTERM")
    await first.ended
    const env = { SLUICE_DATA: folder.path, SLUICE_AGENT_PORT: "0", SLUICE_AGENT_PASSPHRASE: "another one" }
    const { code, stderr } = await sluice(["agent"], { env })
    expect(code).toBe(2)
    expect(stderr).toContain("was made with another passphrase: agent.passphrase")
  })
})
