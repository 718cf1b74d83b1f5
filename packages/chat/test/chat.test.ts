import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Agent } from "@sluice/agent/agent"
import { memoryStore } from "@sluice/agent/store/memory-store"
import { nativeCrypto } from "@sluice/crypto/native"
import { formatServerAddress, parseServerAddress } from "@sluice/encoding/server-address"
import { OperatorError } from "@sluice/ops/operator-error"
import { afterAll, beforeAll, expect, it } from "vitest"
import { addressOf } from "../../../test/agent/test-agent.ts"
import { TestRelay } from "../../../test/support/relay.ts"
import { Chat } from "../src/chat.ts"
import { ContactBook } from "../src/contacts.ts"
import { greeter } from "./example.ts"

let relay: TestRelay
let address: string
let folder: string
beforeAll(async () => {
  relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
  address = formatServerAddress(addressOf(relay))
  folder = await mkdtemp(join(tmpdir(), "sluice-chat-"))
})
afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

it("greets whoever uses the link, as the README says", async () => {
  const example = await readFile(join(import.meta.dirname, "example.ts"), "utf8")
  expect(await readFile(join(import.meta.dirname, "..", "README.md"), "utf8")).toContain(`\`\`\`ts\n${example}\`\`\``)

  const host = await greeter(address, join(folder, "greeter.json"))
  const agent = await Agent.open({ store: memoryStore() })
  const userId = await agent.createUser([{ address: parseServerAddress(address) }])
  const book = await ContactBook.open(join(folder, "guest.json"))
  const guest = new Chat({ agent, userId, profile: { displayName: "Guest" }, book, crypto: nativeCrypto })
  const greeted = guest.events.once("message")
  const contact = await guest.connect(host.link)
  // Known from the link, before the other side has said anything.
  expect(contact.profile.displayName).toBe("Greeter")
  expect((await greeted).message).toMatchObject({ text: "Welcome, Guest!", kind: "text", integrity: { type: "OK" } })

  const received = guest.events.once("received")
  const said = host.chat.events.once("message")
  const messageId = await guest.say(contact, "Thank you")
  expect((await said).message.text).toBe("Thank you")
  expect((await received).messageId).toBe(messageId)

  await guest.close()
  await host.chat.close()
  await agent.close()
  await host.agent.close()
  const again = await ContactBook.open(join(folder, "guest.json"))
  expect(again.contacts).toMatchObject([{ profile: { displayName: "Greeter" }, connected: true }])
})

it("refuses files that are none of contacts", async () => {
  const path = join(folder, "other.json")
  for (const text of ["", "[]", '{"layout":2,"contacts":[]}', '{"layout":1,"contacts":[{"connectionId":"!"}]}']) {
    await writeFile(path, text)
    await expect(ContactBook.open(path)).rejects.toThrow(OperatorError)
  }
})
