import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { addressOf, TestAgent } from "./test-agent.ts"

const LIVES = 5

test("a program that is killed while it sends loses nothing, and says nothing twice", { timeout: 60_000 }, async () => {
  await using relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 1000 } })
  await using alice = await TestAgent.open("alice", { servers: [relay] })
  const { connectionId, link } = await alice.agent.createConnection(alice.userId)
  const folder = await mkdtemp(join(tmpdir(), "sluice-killed-"))
  const address = formatServerAddress(addressOf(relay))
  let expected = 0
  try {
    for (let life = 0; life < LIVES; life++) {
      const program = join(import.meta.dirname, "killed-agent.ts")
      const child = spawn(process.execPath, [program, folder, address, link], { stdio: "inherit" })
      if (life === 0) {
        const { confirmationId } = await alice.next("confirmation", connectionId)
        await alice.agent.allowConnection(connectionId, confirmationId, utf8("alice"))
      }
      // Killed in the middle of things: at least three numbers after its start, while it sends the next ones.
      for (const until = expected + 3; expected < until; expected++) {
        const { meta, body } = await alice.next("message", connectionId)
        expect([fromUtf8(body), meta.integrity]).toEqual([String(expected), { type: "OK" }])
        await alice.agent.acknowledge(connectionId, meta.messageId)
      }
      child.kill("SIGKILL")
      await once(child, "exit")
    }
    expect(alice.events.filter(({ type }) => type === "error")).toEqual([])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
