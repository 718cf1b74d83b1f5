import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { addressOf, exchange, type Pair, TestAgent, type TestAgentOptions } from "./test-agent.ts"

/* short-links.md §15, end to end: links whose data is at a relay. */

let relay: TestRelay
let other: TestRelay

beforeAll(async () => {
  const settings = { "relay.message_quota": 128, "proxy.allow_private": true }
  relay = await TestRelay.start({ store: "memory", settings })
  other = await TestRelay.start({ store: "memory", settings })
})
afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})

const AUTH = { problem: { code: "SMP", error: { type: "AUTH" } } }

/** The preset of a relay that Bob knows, so that links that name only its host reach it. */
function open(name: string, options: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
  return TestAgent.open(name, { servers: [relay], ...options })
}

function shortLinkOf({ shortLink }: { readonly shortLink?: string | undefined }): string {
  if (shortLink === undefined) throw new Error("no short link")
  return shortLink
}

/** Both say yes, from the confirmation of one on. */
async function finish(first: TestAgent, a: Uint8Array, second: TestAgent, b: Uint8Array): Promise<Pair> {
  const { confirmationId } = await first.next("confirmation", a)
  await first.agent.allowConnection(a, confirmationId, utf8("yes"))
  await Promise.all([first.next("connected", a), second.next("connected", b)])
  return { a, b }
}

describe.each([
  ["directly", {}],
  ["by a reader who goes through a proxy", { network: { proxyUse: "always", proxyFallback: "no" } }],
] as const)("a one-time link, read %s,", (_, ofBob) => {
  test("connects; only its reader reads it again, and after connecting nobody", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob", { servers: [other], ...ofBob })
    await using carol = await open("carol")
    const created = await alice.agent.createConnection(alice.userId, { linkData: utf8("Alice") })
    const link = shortLinkOf(created)
    const { kind, linkData } = await bob.agent.readLink(bob.userId, link)
    expect([kind, fromUtf8(linkData)]).toEqual(["invitation", "Alice"])
    expect(fromUtf8((await bob.agent.readLink(bob.userId, link)).linkData)).toBe("Alice")
    await expect(carol.agent.readLink(carol.userId, link)).rejects.toMatchObject(AUTH)
    await expect(carol.agent.joinConnection(carol.userId, link, { info: utf8("") })).rejects.toMatchObject(AUTH)
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("Bob") })
    const pair = await finish(alice, created.connectionId, bob, b)
    await exchange(alice, bob, pair)
    await expect(bob.agent.readLink(bob.userId, link)).rejects.toMatchObject(AUTH)
  })

  test("a contact link is read by many, changed, and deleted", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob", { servers: [other], ...ofBob })
    await using carol = await open("carol")
    const created = await alice.agent.createConnection(alice.userId, { kind: "contact", linkData: utf8("Alice") })
    const { connectionId: address } = created
    const link = shortLinkOf(created)
    for (const one of [bob, carol, bob]) {
      expect(fromUtf8((await one.agent.readLink(one.userId, link)).linkData)).toBe("Alice")
    }
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("Bob") })
    const { invitationId } = await alice.next("request", address)
    const { connectionId: a } = await alice.agent.acceptRequest(invitationId, { info: utf8("yes") })
    const pair = await finish(bob, b, alice, a)
    await exchange(alice, bob, { a: pair.b, b: pair.a })

    expect(await alice.agent.setLink(address, utf8("Alice, changed"))).toBe(link)
    expect(fromUtf8((await bob.agent.readLink(bob.userId, link)).linkData)).toBe("Alice, changed")
    expect(await alice.agent.setLink(address, utf8("Alice, changed"))).toBe(link)
    await alice.agent.deleteLink(address)
    await expect(bob.agent.readLink(bob.userId, link)).rejects.toMatchObject(AUTH)
  })
})

test("an address without a short link gets one", async () => {
  await using alice = await open("alice")
  await using bob = await open("bob")
  const { connectionId: address, shortLink } = await alice.agent.createConnection(alice.userId, { kind: "contact" })
  expect(shortLink).toBeUndefined()
  const link = await alice.agent.setLink(address, utf8("late"))
  expect(fromUtf8((await bob.agent.readLink(bob.userId, link)).linkData)).toBe("late")
  await bob.agent.joinConnection(bob.userId, link, { info: utf8("Bob") })
  await alice.next("request", address)
})

test("an invitation without a short link does not get one", async () => {
  await using alice = await open("alice")
  const { connectionId } = await alice.agent.createConnection(alice.userId)
  await expect(alice.agent.setLink(connectionId, utf8("late"))).rejects.toMatchObject({
    problem: { code: "CMD", reason: "PROHIBITED" },
  })
})

test("links are read after both agents and the relay were restarted", async () => {
  await using own = await TestRelay.start({ settings: { "relay.message_quota": 128 } })
  await using alice = await open("alice", { servers: [own], store: "lmdb" })
  await using bob = await open("bob", { servers: [own], store: "lmdb" })
  const contact = await alice.agent.createConnection(alice.userId, { kind: "contact", linkData: utf8("address") })
  const once = await alice.agent.createConnection(alice.userId, { linkData: utf8("invitation") })
  await bob.agent.readLink(bob.userId, shortLinkOf(once))
  const { port } = own
  await own.stop()
  await own.start({ "relay.port": port })
  await alice.restart()
  await bob.restart()
  for (const [created, text] of [
    [contact, "address"],
    [once, "invitation"],
  ] as const) {
    expect(fromUtf8((await bob.agent.readLink(bob.userId, shortLinkOf(created))).linkData)).toBe(text)
  }
  const { connectionId: b } = await bob.agent.joinConnection(bob.userId, shortLinkOf(once), { info: utf8("") })
  await exchange(alice, bob, await finish(alice, once.connectionId, bob, b))
})

test("a link that is none, or of a wrong key, is refused", async () => {
  await using alice = await open("alice")
  const created = await alice.agent.createConnection(alice.userId, { kind: "contact", linkData: utf8("Alice") })
  const link = shortLinkOf(created)
  await expect(alice.agent.readLink(alice.userId, "https://example.com/")).rejects.toMatchObject({
    problem: { code: "CMD", reason: "SYNTAX" },
  })
  const wrong = link.replace(/#(.)/, (_, letter: string) => `#${letter === "A" ? "B" : "A"}`)
  await expect(alice.agent.readLink(alice.userId, wrong)).rejects.toMatchObject(AUTH)
  expect(addressOf(relay).hosts).toEqual(["127.0.0.1"])
})

test("the links of an address are known before it exists", async () => {
  await using alice = await open("alice")
  await using bob = await open("bob")
  const linkEntityId = utf8("an id of the app")
  const planned = alice.agent.prepareAddress(alice.userId, { linkData: utf8("soon"), linkEntityId })
  const link = shortLinkOf(planned)
  await expect(bob.agent.readLink(bob.userId, link)).rejects.toMatchObject(AUTH)
  const created = await alice.agent.createPrepared(planned.prepared)
  expect([created.link, created.shortLink]).toEqual([planned.link, link])
  expect(fromUtf8((await bob.agent.readLink(bob.userId, link)).linkData)).toBe("soon")
  await bob.agent.joinConnection(bob.userId, planned.link, { info: utf8("Bob") })
  await alice.next("request", created.connectionId)
  expect(() => alice.agent.prepareAddress(alice.userId, {})).toThrow("PROHIBITED")
})
