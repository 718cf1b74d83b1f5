import type { AgentCommand } from "@sluice/agent/core/commands"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { describe, expect, test } from "vitest"
import { perTest } from "./per-test.ts"
import { addressOf, exchange, type TestAgent } from "./test-agent.ts"

/* agent.md §21: asynchronous variants, retries after errors, passwords. */

const { startRelay, agent } = perTest({}, { store: "lmdb" })

/** The result of a command, once it is there. */
async function result(one: TestAgent, correlation: string) {
  const { result: found } = await one.next("command-done", undefined, (event) => event.correlation === correlation)
  return found
}

async function later(one: TestAgent, correlation: string, command: AgentCommand): Promise<Uint8Array> {
  const id = await one.agent.later(correlation, command)
  if (id === undefined) throw new Error("no connection")
  return id
}

const NO_INFO = { info: utf8("") }

describe("commands for later", () => {
  test("connect agents", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const a = await later(alice, "1", { type: "create", userId: alice.userId, options: { linkData: utf8("x") } })
    const created = await result(alice, "1")
    if (created.type !== "created") throw new Error(created.type)
    await bob.agent.later("r", { type: "read-link", userId: bob.userId, link: created.shortLink ?? "" })
    expect(await result(bob, "r")).toMatchObject({ type: "link-data", kind: "invitation" })
    const b = await later(bob, "2", {
      type: "join",
      userId: bob.userId,
      link: created.shortLink ?? "",
      options: NO_INFO,
    })
    expect(await result(bob, "2")).toEqual({ type: "joined", secured: true })
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.agent.allowConnection(a, confirmationId, utf8(""))
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    await exchange(alice, bob, { a, b })
  })

  test("accept requests, and change links", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const address = await later(alice, "1", { type: "create", userId: alice.userId, options: { kind: "contact" } })
    await result(alice, "1")
    await alice.agent.later("2", { type: "set-link", connectionId: address, linkData: utf8("hello") })
    const linked = await result(alice, "2")
    if (linked.type !== "link") throw new Error(linked.type)
    expect(fromUtf8((await bob.agent.readLink(bob.userId, linked.shortLink)).linkData)).toBe("hello")
    const b = await later(bob, "3", { type: "join", userId: bob.userId, link: linked.shortLink, options: NO_INFO })
    expect(await result(bob, "3")).toEqual({ type: "joined", secured: false })
    const { invitationId } = await alice.next("request", address)
    const a = await later(alice, "4", { type: "accept", invitationId, options: NO_INFO })
    await result(alice, "4")
    const { confirmationId } = await bob.next("confirmation", b)
    await bob.agent.allowConnection(b, confirmationId, utf8(""))
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    await exchange(alice, bob, { a, b })
  })

  test("wait for a relay that is away, and go on after a restart", async () => {
    const relay = await startRelay()
    const { port } = relay
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    await relay.stop()
    const a = await later(alice, "1", { type: "create", userId: alice.userId, options: {} })
    await alice.restart()
    await relay.start({ "relay.port": port })
    alice.agent.retryNow()
    const created = await result(alice, "1")
    if (created.type !== "created") throw new Error(created.type)
    await relay.stop()
    const b = await later(bob, "2", { type: "join", userId: bob.userId, link: created.link, options: NO_INFO })
    await bob.restart()
    await relay.start({ "relay.port": port })
    for (const one of [alice, bob]) one.agent.retryNow()
    expect(await result(bob, "2")).toEqual({ type: "joined", secured: true })
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.agent.allowConnection(a, confirmationId, utf8(""))
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
  })

  test("fail where there is no sense in trying again", async () => {
    const relay = await startRelay()
    const alice = await agent("alice", [relay])
    await alice.agent.later("1", { type: "join", userId: alice.userId, link: "https://example.com", options: NO_INFO })
    expect(await result(alice, "1")).toMatchObject({
      type: "failed",
      error: { problem: { code: "CMD", reason: "SYNTAX" } },
    })
  })
})

describe("a join that fails", () => {
  /** Bob's own relay and Alice's: which one is away decides at which step it fails. */
  test.each([
    ["before the queue is secured, without a restart", "initiator", false],
    ["before the queue is secured, with a restart", "initiator", true],
    ["before the reply queue is made, without a restart", "joiner", false],
    ["before the reply queue is made, with a restart", "joiner", true],
  ] as const)("%s is repeated, and gives one connection", async (_, away, restart) => {
    const [ofAlice, ofBob] = [await startRelay(), await startRelay()]
    const [alice, bob] = [await agent("alice", [ofAlice]), await agent("bob", [ofBob])]
    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
    const relay = away === "initiator" ? ofAlice : ofBob
    const { port } = relay
    await relay.stop()
    const connectionId = bob.agent.newConnectionId()
    const options = { ...NO_INFO, connectionId }
    for (let n = 0; n < 2; n++) {
      await expect(bob.agent.joinConnection(bob.userId, link, options)).rejects.toMatchObject({
        problem: { code: "BROKER" },
      })
    }
    if (restart) await bob.restart()
    await relay.start({ "relay.port": port })
    expect((await bob.agent.joinConnection(bob.userId, link, options)).secured).toBe(true)
    alice.agent.retryNow()
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.agent.allowConnection(a, confirmationId, utf8(""))
    await Promise.all([alice.next("connected", a), bob.next("connected", connectionId)])
    await exchange(alice, bob, { a, b: connectionId })
    expect(alice.events.filter(({ type }) => type === "confirmation")).toEqual([])
  })

  test("at a contact address is repeated, and gives one request for each", async () => {
    const [ofAlice, ofBob] = [await startRelay(), await startRelay()]
    const [alice, bob] = [await agent("alice", [ofAlice]), await agent("bob", [ofBob])]
    const { connectionId: address, link } = await alice.agent.createConnection(alice.userId, { kind: "contact" })
    const { port } = ofAlice
    await ofAlice.stop()
    const options = { ...NO_INFO, connectionId: bob.agent.newConnectionId() }
    await expect(bob.agent.joinConnection(bob.userId, link, options)).rejects.toMatchObject({
      problem: { code: "BROKER" },
    })
    await bob.restart()
    await ofAlice.start({ "relay.port": port })
    await bob.agent.joinConnection(bob.userId, link, options)
    alice.agent.retryNow()
    await alice.next("request", address)
  })
})

describe("a relay with a password", () => {
  test.each([
    ["none", undefined, undefined, true],
    ["none, given one", undefined, "any", true],
    ["one, given it", "secret", "secret", true],
    ["one, given another", "secret", "wrong", false],
    ["one, given none", "secret", undefined, false],
  ] as const)("that is %s", async (_, password, given, expected) => {
    const relay = await startRelay({ settings: password === undefined ? {} : { "relay.password": password } })
    const own = await startRelay()
    const alice = await agent("alice", [{ address: { ...addressOf(relay), password: given } }])
    const peer = await agent("peer", [own])
    const refused = { problem: { code: "SMP", error: { type: "AUTH" } } }
    const { link } = await peer.agent.createConnection(peer.userId)
    if (expected) {
      await alice.agent.createConnection(alice.userId)
      expect((await alice.agent.joinConnection(alice.userId, link, NO_INFO)).secured).toBe(true)
    } else {
      await expect(alice.agent.createConnection(alice.userId)).rejects.toMatchObject(refused)
      await expect(alice.agent.joinConnection(alice.userId, link, NO_INFO)).rejects.toMatchObject(refused)
    }
  })

  test("that makes no queues", async () => {
    const relay = await startRelay({ settings: { "relay.new_queues": false } })
    const alice = await agent("alice", [relay])
    await expect(alice.agent.createConnection(alice.userId)).rejects.toMatchObject({
      problem: { code: "SMP", error: { type: "AUTH" } },
    })
  })
})

test("a relay that is not the one of its address is refused", async () => {
  const relay = await startRelay()
  const alice = await agent("alice", [{ address: { ...addressOf(relay), keyHash: new Uint8Array(32).fill(1) } }])
  await expect(alice.agent.createConnection(alice.userId)).rejects.toMatchObject({
    problem: { code: "BROKER", error: { type: "NETWORK", error: { type: "UNKNOWNCA" } } },
  })
})
