// What programs can do besides connecting and talking, over a real service.
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { utf8 } from "@sluice/encoding/bytes"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { type Program, Programs, read, text } from "./programs.ts"

let programs: Programs

beforeAll(async () => {
  programs = await Programs.start()
})
afterEach(() => programs.end())
afterAll(() => programs[Symbol.asyncDispose]())

/** The next message on a connection, acknowledged. */
async function receive(program: Program, connectionId: unknown): Promise<string> {
  const { meta, body } = await program.event("message")
  const { messageId } = meta as { readonly messageId: number }
  await program.call("acknowledge", { connectionId, messageId, receipt: text("read") })
  return read(body)
}

/** How a stored command ended. */
async function done(program: Program, correlation: string): Promise<unknown> {
  const event = await program.event("command-done")
  expect(event["correlation"]).toBe(correlation)
  return event["result"]
}

describe("messages", () => {
  it("go in batches: in their order, and each with what became of it", async () => {
    const { alice, bob, a, b } = await programs.pair()
    const bodies = ["one", "two", "three"]
    const messages = bodies.map((body) => ({ connectionId: a, body: text(body), notify: false }))
    const { results } = await alice.call("sendMessages", {
      messages: [...messages.slice(0, 2), { connectionId: text("nobody"), body: "" }, ...messages.slice(2)],
    })
    const sent = { messageId: expect.any(Number), pq: expect.any(Boolean) }
    expect(results).toEqual([sent, sent, { error: expect.objectContaining({ code: "CONN" }) }, sent])
    for (const body of bodies) expect(await receive(bob, b)).toBe(body)
    expect(await alice.event("receipt")).toMatchObject({ receipts: [{ status: "ok" }] })
  })

  it("of the largest size go in batches too", async () => {
    const { alice, bob, a, b } = await programs.pair()
    const body = "x".repeat(13_000)
    const messages = Array.from({ length: 8 }, () => ({ connectionId: a, body: text(body) }))
    expect((await alice.call("sendMessages", { messages }))["results"]).toHaveLength(messages.length)
    for (const _ of messages) expect(await receive(bob, b)).toBe(body)
  })

  it("of a connection that is not subscribed are fetched", async () => {
    const [alice, bob] = [await programs.program(), await programs.program()]
    const made = { userId: alice.userId, subscribe: false }
    const { connectionId, link } = await alice.call("createConnection", made)
    await bob.call("joinConnection", { userId: bob.userId, link, info: text("bob") })
    expect(await alice.call("connection", { connectionId })).toMatchObject({ receiving: [{ subscribed: false }] })
    expect(await alice.call("subscribe")).toEqual({ failures: [] })
    expect(await alice.call("undecided")).toEqual({ events: [] })
    expect(await alice.call("fetchMessages", { connectionId })).toEqual({ count: 1 })
    const asked = await alice.event("confirmation")
    expect(asked).toMatchObject({ connectionId, info: text("bob") })
    expect(await alice.call("undecided")).toEqual({ events: [asked] })
    expect(await alice.call("fetchMessages", { connectionId })).toEqual({ count: 0 })
  })
})

describe("stored commands", () => {
  it("make connections, and their end is an event", async () => {
    const [alice, bob] = [await programs.program(), await programs.program()]
    const { connectionId: id } = await alice.call("newConnectionId")
    const options = { kind: "contact", linkData: text("Alice"), connectionId: id }
    const create = { type: "create", userId: alice.userId, options }
    expect(await alice.call("later", { correlation: "1", command: create })).toEqual({ connectionId: id })
    const created = (await done(alice, "1")) as { readonly shortLink: string }
    expect(created).toMatchObject({ type: "created", shortLink: expect.stringContaining("https://") })
    const setLink = { type: "set-link", connectionId: id, linkData: text("Alice A.") }
    await alice.call("later", { correlation: "2", command: setLink })
    expect(await done(alice, "2")).toEqual({ type: "link", shortLink: created.shortLink })
    const readLink = { type: "read-link", userId: bob.userId, link: created.shortLink }
    expect(await bob.call("later", { correlation: "3", command: readLink })).toEqual({})
    expect(await done(bob, "3")).toMatchObject({ type: "link-data", linkData: text("Alice A.") })
    const join = { type: "join", userId: bob.userId, link: created.shortLink, options: { info: text("bob") } }
    const { connectionId: b } = await bob.call("later", { correlation: "4", command: join })
    expect(await done(bob, "4")).toMatchObject({ type: "joined" })
    const { invitationId } = await alice.event("request")
    const accept = { type: "accept", invitationId, options: { info: text("alice") } }
    await alice.call("later", { correlation: "5", command: accept })
    expect(await done(alice, "5")).toMatchObject({ type: "joined" })
    const { confirmationId } = await bob.event("confirmation")
    await bob.call("allowConnection", { connectionId: b, confirmationId, info: text("bob") })
    await Promise.all([alice.event("connected"), bob.event("connected")])
  })

  it("are refused unless they are as the schema says", async () => {
    const alice = await programs.program()
    const command = { type: "accept", userId: alice.userId, invitationId: text("x"), options: { info: "" } }
    await expect(alice.call("later", { correlation: "1", command })).rejects.toThrow('"code":"REQUEST"')
    await expect(alice.call("later", { correlation: "1", command: { type: "fly" } })).rejects.toThrow("REQUEST")
  })
})

describe("planned addresses", () => {
  const seed = encodeBase64Url(new Uint8Array(32).fill(7))

  it("have their links before they are made", async () => {
    const [alice, bob] = [await programs.program(), await programs.program()]
    const wanted = { userId: alice.userId, linkData: text("Alice"), rootKeys: seed, clientData: "{}" }
    const { prepared, ...links } = await alice.call("prepareAddress", wanted)
    expect(await alice.call("connections")).toEqual({ connectionIds: [] })
    const { link, shortLink } = links
    await expect(bob.call("readLink", { userId: bob.userId, shortLink })).rejects.toThrow('"code":"SMP"')
    expect(await alice.call("createPrepared", { prepared })).toEqual(links)
    const contents = { kind: "contact", linkData: text("Alice"), link: expect.any(String) }
    expect(await bob.call("readLink", { userId: bob.userId, shortLink })).toEqual(contents)
    await bob.call("joinConnection", { userId: bob.userId, link, info: text("bob") })
    expect(await alice.event("request")).toMatchObject({ connectionId: links["connectionId"], info: text("bob") })
    expect(await alice.call("setLink", { connectionId: links["connectionId"], linkData: text("A.") })).toEqual({
      shortLink,
    })
  })

  it("are taken only as they were given", async () => {
    const alice = await programs.program()
    const { prepared } = await alice.call("prepareAddress", { userId: alice.userId, linkData: text("Alice") })
    const plan = JSON.parse(read(prepared))
    const changed = [
      { ...plan, link: undefined },
      { ...plan, more: 1 },
      { ...plan, plan: { ...plan.plan, corrId: text("short") } },
      { ...plan, plan: { ...plan.plan, server: "smp://x" } },
      [],
    ].map((value) => encodeBase64Url(utf8(JSON.stringify(value))))
    for (const wrong of ["", "?", encodeBase64Url(Uint8Array.of(0xff)), text("{"), ...changed]) {
      await expect(alice.call("createPrepared", { prepared: wrong })).rejects.toThrow("not what `prepareAddress` gave")
    }
    expect(decodeBase64Url(String(prepared)).length).toBeGreaterThan(1000)
  })
})

describe("the agent", () => {
  it("rests and goes on", async () => {
    const { alice, bob, a, b } = await programs.pair()
    await bob.call("suspend", { withinMs: 5000 })
    await bob.event("suspended")
    const { messageId } = await alice.call("sendMessage", { connectionId: a, body: text("wake up") })
    expect(await alice.event("sent")).toMatchObject({ messageId })
    expect(await bob.call("resume")).toEqual({})
    expect(await receive(bob, b)).toBe("wake up")
    expect(await bob.call("cleanUp")).toEqual({})
  })

  it("takes other network settings, and tries again at once", async () => {
    const { alice, bob, a, b } = await programs.pair()
    const noise = { minMs: 600_000, maxMs: 600_000 }
    expect(await alice.call("setNetwork", { privacy: "fast", sessionMode: "entity", noise })).toEqual({})
    expect(await alice.call("setNetwork", { privacy: "maximum", noise: null, proxyUse: "never" })).toEqual({})
    expect(await alice.call("retryNow")).toEqual({})
    await alice.call("sendMessage", { connectionId: a, body: text("again") })
    expect(await receive(bob, b)).toBe("again")
  })

  it("moves, closes and deletes what is a user's", async () => {
    const alice = await programs.program()
    const servers = [{ address: programs.address, names: false }]
    const { userId: other } = await alice.call("createUser", { servers })
    const { connectionId } = await alice.call("createConnection", { userId: alice.userId })
    expect(await alice.call("changeUser", { connectionId, userId: other })).toEqual({})
    expect(await alice.call("connection", { connectionId })).toMatchObject({ userId: other })
    expect(await alice.call("queueInfo", { connectionId })).toMatchObject({ size: 0 })
    expect(await alice.call("suspendQueues", { connectionId })).toEqual({})
    await expect(alice.call("resolveName", { userId: other, name: "alice" })).rejects.toThrow('"code":')
    expect(await alice.call("deleteUser", { userId: other })).toEqual({})
    expect(await alice.event("user-deleted")).toMatchObject({ userId: other })
    expect(await alice.call("users")).toEqual({ userIds: [alice.userId] })
  })
})
