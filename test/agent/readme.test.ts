import { readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { utf8 } from "@sluice/encoding/bytes"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { expect, test } from "vitest"
import { echo } from "../../packages/agent/test/example.ts"
import { TestRelay } from "../support/relay.ts"
import { addressOf, TestAgent } from "./test-agent.ts"

const packageFolder = join(import.meta.dirname, "..", "..", "packages", "agent")

test("the README of the agent shows the example that works here", async () => {
  const readme = readFileSync(join(packageFolder, "README.md"), "utf8")
  const example = readFileSync(join(packageFolder, "test", "example.ts"), "utf8")
  expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)

  await using relay = await TestRelay.start({ store: "memory" })
  const folder = await mkdtemp(join(tmpdir(), "sluice-echo-"))
  const { agent, link } = await echo(folder, "a passphrase", formatServerAddress(addressOf(relay)))
  try {
    await using bob = await TestAgent.open("bob", { servers: [relay] })
    const { connectionId } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("bob") })
    const { confirmationId } = await bob.next("confirmation", connectionId)
    await bob.agent.allowConnection(connectionId, confirmationId, utf8("bob"))
    await bob.next("connected", connectionId)
    await bob.say(connectionId, "hello")
    // The receipt and the answer come in the order in which they were sent.
    const answer = await bob.nextOf(["message", "receipt"], connectionId)
    expect(answer).toMatchObject({ type: "message", body: utf8("you said: hello") })
  } finally {
    await agent.close()
    await rm(folder, { recursive: true, force: true })
  }
})
