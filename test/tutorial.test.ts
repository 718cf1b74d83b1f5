// The blocks of docs/tutorial-agent.md, run as they stand there.
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { afterAll, beforeAll, expect, it } from "vitest"
import { addressOf } from "./agent/test-agent.ts"
import { TestRelay } from "./support/relay.ts"
import type * as Tutorial from "./tutorial/blocks.ts"
import { collect, introduce, listen, open, outcome, tell } from "./tutorial/blocks.ts"

const root = join(import.meta.dirname, "..")
let relay: TestRelay
let folder: string
let alice: Tutorial.Side
let bob: Tutorial.Side
beforeAll(async () => {
  relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
  folder = await mkdtemp(join(tmpdir(), "sluice-tutorial-"))
  const address = formatServerAddress(addressOf(relay))
  alice = await open(join(folder, "alice"), address)
  bob = await open(join(folder, "bob"), address)
})
afterAll(async () => {
  await alice.agent.close()
  await bob.agent.close()
  await relay[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

it("the program that runs here is that of the tutorial", async () => {
  const text = await readFile(join(root, "docs", "tutorial-agent.md"), "utf8")
  const blocks = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = ""]) => block.trim())
  const program = await readFile(join(root, "test", "tutorial", "blocks.ts"), "utf8")
  // Imports stand together at the beginning of a program, and in the tutorial where they are needed.
  const isImport = (line: string): boolean => line.startsWith("import ")
  const lines = blocks.join("\n\n").split("\n")
  const imports = program.split("\n").filter(isImport)
  expect(lines.filter(isImport).toSorted()).toEqual(imports.toSorted())
  const body = (all: readonly string[]): string =>
    all
      .filter((line) => !isImport(line))
      .join("\n")
      .replace(/\n{2,}/g, "\n\n")
      .trim()
  expect(body(program.split("\n"))).toBe(body(lines))
})

it("connects, tells names, delivers messages with receipts, and ends when told", async () => {
  const { a, b, names } = await introduce(alice, bob)
  expect(names).toEqual(["Bob", "Alice"])
  expect(await alice.agent.securityCode(a)).toEqual(await bob.agent.securityCode(b))

  const heard: string[] = []
  listen(bob, async (text) => {
    heard.push(text)
  })
  await tell(alice, a, "one")
  await tell(alice, a, "two")
  expect(heard).toEqual(["one", "two"])

  const collected = collect(alice, AbortSignal.timeout(20_000))
  for (const text of ["three", "four", "bye"]) await outcome(bob.agent.sendMessage(b, new TextEncoder().encode(text)))
  expect(await collected).toEqual(["three", "four", "bye"])
})

it("says what goes wrong", async () => {
  const info = new Uint8Array(0)
  expect(await outcome(alice.agent.joinConnection(alice.user, "no link", { info }))).toBe("that is no link")
  expect(await outcome(alice.agent.sendMessage(alice.agent.newConnectionId(), info))).toBe(
    "there is no such connection",
  )
  expect(await outcome(alice.agent.connections())).toBe("done")
})
