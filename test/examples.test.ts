// The examples as somebody runs them who has just cloned the repository: as processes, playing both sides.
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { describe, expect, it } from "vitest"
import { addressOf } from "./agent/test-agent.ts"
import { TestRelay } from "./support/relay.ts"

const run = promisify(execFile)
const folder = join(import.meta.dirname, "..", "examples")

/** Output of an example that plays both sides; rejects when it leaves with another code than 0. */
async function selfTest(name: string, ...relays: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(folder, name), "--self-test", ...relays], { timeout: 50_000 })
  return stdout
}

describe("examples play both sides on relays of their own", () => {
  it.each([
    ["echo.ts", "“Is anybody there?” → “you said: Is anybody there?”"],
    ["rotate.ts", "6 messages sent before, during and after: all came, in order, once."],
    ["send-file.ts", "1000000 bytes in 75 messages, with the same SHA-256"],
  ])("%s", async (name, expected) => {
    const output = await selfTest(name)
    expect(output).toContain(expected)
    expect(output).toContain("self-test: ok")
  })
})

it("the echo plays both sides on a relay that runs already", async () => {
  await using relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
  expect(await selfTest("echo.ts", formatServerAddress(addressOf(relay)))).toContain("self-test: ok")
})

it("without arguments they say how they are used", async () => {
  for (const name of ["echo.ts", "rotate.ts", "send-file.ts"]) {
    await expect(run(process.execPath, [join(folder, name)], { timeout: 50_000 })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`usage: node examples/${name}`),
    })
  }
})
