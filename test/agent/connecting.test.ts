import type { Versions } from "@sluice/agent/connection/draft"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { addressOf, connect, exchange, type Pair, TestAgent, type TestAgentOptions } from "./test-agent.ts"

/* agent.md §21, "Connecting": how two agents get to know each other. */

let relay: TestRelay
let second: TestRelay

beforeAll(async () => {
  const settings = { "relay.message_quota": 128, "proxy.allow_private": true }
  relay = await TestRelay.start({ store: "memory", settings })
  second = await TestRelay.start({ store: "memory", settings })
})
afterAll(async () => {
  await relay[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

function open(name: string, options: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
  return TestAgent.open(name, { servers: [relay], ...options })
}

/** From before senders could secure queues: their recipients do. */
const OLD_SESSIONS: Partial<TestAgentOptions> = {
  client: { range: { min: 6, max: 8 } },
  versions: { client: { min: 1, max: 2 } },
}

function agentVersion(max: number): Partial<Versions> {
  return { agent: { min: 2, max } }
}

describe("two peers", () => {
  test("connect by an invitation, and talk", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    const pair = await connect(alice, bob)
    await exchange(alice, bob, pair)
    expect(await alice.agent.securityCode(pair.a)).toEqual(await bob.agent.securityCode(pair.b))
  })

  test("hear what the other says about itself", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
    const { connectionId: b, secured } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("I am Bob") })
    expect(secured).toBe(true)
    const { confirmationId, info, pq } = await alice.next("confirmation", a)
    expect([fromUtf8(info), pq]).toEqual(["I am Bob", true])
    await alice.agent.allowConnection(a, confirmationId, utf8("I am Alice"))
    expect(fromUtf8((await bob.next("info", b)).info)).toBe("I am Alice")
  })

  test("talk on two relays", async () => {
    await using alice = await open("alice", { servers: [relay] })
    await using bob = await open("bob", { servers: [second] })
    await exchange(alice, bob, await connect(alice, bob))
  })

  test.each([
    ["initiator", true, false],
    ["joiner", false, true],
    ["both", true, true],
  ])("connect through proxies (%s)", async (_, ofAlice, ofBob) => {
    const proxied = { network: { proxyUse: "always", proxyFallback: "no" } } as const
    await using proxy = await TestRelay.start({ store: "memory", settings: { "proxy.allow_private": true } })
    await using alice = await open("alice", { servers: [relay, proxy], ...(ofAlice ? proxied : {}) })
    await using bob = await open("bob", { servers: [second, proxy], ...(ofBob ? proxied : {}) })
    await exchange(alice, bob, await connect(alice, bob))
  })

  test("that joined may send before they are allowed", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("") })
    await bob.say(b, "early")
    await alice.next("confirmation", a)
    const { meta, body } = await alice.next("message", a)
    expect([fromUtf8(body), meta.messageId, meta.externalId, meta.integrity]).toEqual(["early", 1, 2n, { type: "OK" }])
  })

  test.each([2, 3, 4, 5, 6, 7])("with an initiator of agent version %s", async (max) => {
    await using alice = await open("alice", { versions: agentVersion(max) })
    await using bob = await open("bob")
    await exchange(alice, bob, await connect(alice, bob))
  })

  test.each([2, 3, 4, 5, 6, 7])("with a joiner of agent version %s", async (max) => {
    await using alice = await open("alice")
    await using bob = await open("bob", { versions: agentVersion(max) })
    await exchange(alice, bob, await connect(alice, bob))
  })

  test.each([
    ["initiator", OLD_SESSIONS, {}],
    ["joiner", {}, OLD_SESSIONS],
    ["both", OLD_SESSIONS, OLD_SESSIONS],
  ])("where the queue of %s has no mode (slow handshake)", async (_, ofAlice, ofBob) => {
    await using alice = await open("alice", ofAlice)
    await using bob = await open("bob", ofBob)
    const pair = await connect(alice, bob)
    await exchange(alice, bob, pair)
    await exchange(alice, bob, pair, "again")
  })

  test.each([
    [{ e2e: { min: 2, max: 2 } }, {}],
    [{}, { e2e: { min: 2, max: 2 } }],
    [{ client: { min: 1, max: 1 } }, {}],
    [{}, { client: { min: 1, max: 2 } }],
    [{ client: { min: 1, max: 3 } }, { client: { min: 1, max: 3 } }],
  ])("with other versions of ratchet and queue layer: %j and %j", async (ofAlice, ofBob) => {
    await using alice = await open("alice", { versions: ofAlice })
    await using bob = await open("bob", { versions: ofBob })
    await exchange(alice, bob, await connect(alice, bob))
  })

  test("without a version in common do not", async () => {
    await using alice = await open("alice", { versions: { e2e: { min: 2, max: 2 } } })
    await using bob = await open("bob", { versions: { e2e: { min: 3, max: 3 } } })
    const { link } = await alice.agent.createConnection(alice.userId)
    await expect(bob.agent.joinConnection(bob.userId, link, { info: utf8("") })).rejects.toMatchObject({
      problem: { code: "AGENT", error: { type: "A_VERSION" } },
    })
  })
})

describe("post-quantum keys", () => {
  /** What each side reports of the first two messages in each direction. */
  async function protectedBy(alice: TestAgent, bob: TestAgent, { a, b }: Pair): Promise<boolean> {
    for (let round = 0; round < 3; round++) await exchange(alice, bob, { a, b }, `round ${round}`)
    await alice.say(a, "last")
    const { meta } = await bob.next("message", b)
    await bob.agent.acknowledge(b, meta.messageId)
    return meta.pq
  }

  test.each([
    ["off", false, false],
    ["off", true, false],
    ["link", false, false],
    ["link", true, true],
    ["use", false, false],
    ["use", true, true],
  ] as const)("initiator %s, joiner %s: %s", async (keys, pq, expected) => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId, { keys })
    expect(link.includes("kem_key")).toBe(keys === "use")
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8(""), pq })
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.agent.allowConnection(a, confirmationId, utf8(""))
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    expect(await protectedBy(alice, bob, { a, b })).toBe(expected)
  })

  test("are not possible in the link of an address", async () => {
    await using alice = await open("alice")
    const options = { kind: "contact", keys: "use" } as const
    await expect(alice.agent.createConnection(alice.userId, options)).rejects.toMatchObject({
      problem: { code: "CMD", reason: "PROHIBITED" },
    })
  })

  test("can be turned on later", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId, { keys: "off" })
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8(""), pq: false })
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.agent.allowConnection(a, confirmationId, utf8(""))
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    for (let round = 0; round < 5; round++) {
      await alice.agent.sendMessage(a, utf8("ping"), { pq: true })
      await bob.text(b)
      await bob.agent.sendMessage(b, utf8("pong"), { pq: true })
      await alice.text(a)
    }
    const { pq } = await alice.agent.sendMessage(a, utf8("last"), { pq: true })
    expect(pq).toBe(true)
  })
})

describe("a contact address", () => {
  async function ask(
    alice: TestAgent,
    bob: TestAgent,
  ): Promise<{ address: Uint8Array; b: Uint8Array; invitationId: Uint8Array }> {
    const { connectionId: address, link } = await alice.agent.createConnection(alice.userId, { kind: "contact" })
    const { connectionId: b, secured } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("Bob asks") })
    expect(secured).toBe(false)
    const request = await alice.next("request", address)
    expect(fromUtf8(request.info)).toBe("Bob asks")
    return { address, b, invitationId: request.invitationId }
  }

  test("accepts who asks", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    const { b, invitationId } = await ask(alice, bob)
    const { connectionId: a } = await alice.agent.acceptRequest(invitationId, { info: utf8("Alice accepts") })
    const { confirmationId, info } = await bob.next("confirmation", b)
    expect(fromUtf8(info)).toBe("Alice accepts")
    await bob.agent.allowConnection(b, confirmationId, utf8(""))
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    await exchange(alice, bob, { a, b })
    await expect(alice.agent.acceptRequest(invitationId, { info: utf8("") })).rejects.toMatchObject({
      problem: { code: "CONN", reason: "NOT_FOUND" },
    })
  })

  test("rejects without a word", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    const { invitationId } = await ask(alice, bob)
    await alice.agent.rejectRequest(invitationId)
    await expect(alice.agent.acceptRequest(invitationId, { info: utf8("") })).rejects.toMatchObject({
      problem: { code: "CONN", reason: "NOT_FOUND" },
    })
    expect(bob.events.filter(({ type }) => type !== "sent")).toEqual([])
  })

  test.each([
    [true, true, true],
    [true, false, false],
    [false, true, false],
  ])("gives post-quantum keys where both sides want them (%s, %s)", async (own, asking, expected) => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    const { link } = await alice.agent.createConnection(alice.userId, { kind: "contact" })
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8(""), pq: asking })
    const { invitationId } = await alice.next("request")
    const { connectionId: a } = await alice.agent.acceptRequest(invitationId, { info: utf8(""), pq: own })
    const { confirmationId } = await bob.next("confirmation", b)
    await bob.agent.allowConnection(b, confirmationId, utf8(""))
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    for (let round = 0; round < 3; round++) await exchange(alice, bob, { a, b }, `${round}`)
    expect((await alice.agent.sendMessage(a, utf8("last"))).pq).toBe(expected)
  })

  test("takes several who ask", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    await using carol = await open("carol")
    const { connectionId: address, link } = await alice.agent.createConnection(alice.userId, { kind: "contact" })
    for (const one of [bob, carol]) {
      const { connectionId: b } = await one.agent.joinConnection(one.userId, link, { info: utf8(one.name) })
      const { invitationId } = await alice.next("request", address)
      const { connectionId: a } = await alice.agent.acceptRequest(invitationId, { info: utf8("alice") })
      const { confirmationId } = await one.next("confirmation", b)
      await one.agent.allowConnection(b, confirmationId, utf8(one.name))
      await Promise.all([alice.next("connected", a), one.next("connected", b)])
      await exchange(alice, one, { a, b })
    }
  })
})

describe("without being online together", () => {
  test("the initiator goes away before the joiner comes, and back after it left", async () => {
    await using alice = await open("alice", { store: "lmdb" })
    await using bob = await open("bob", { store: "lmdb" })
    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
    await alice.stop()
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("") })
    await bob.say(b, "I was here")
    await bob.next("sent", b)
    await bob.stop()
    await alice.start()
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.agent.allowConnection(a, confirmationId, utf8(""))
    await alice.next("connected", a)
    expect(await alice.text(a)).toBe("I was here")
    await alice.say(a, "so was I")
    await alice.next("sent", a)
    await alice.stop()
    await bob.start()
    await bob.next("connected", b)
    expect(await bob.text(b)).toBe("so was I")
    await alice.start()
    await exchange(alice, bob, { a, b })
  })

  test("what was allowed goes on after a restart", async () => {
    await using alice = await open("alice", { store: "lmdb" })
    await using bob = await open("bob")
    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("") })
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.restart()
    await alice.agent.allowConnection(a, confirmationId, utf8(""))
    await alice.restart()
    await bob.next("connected", b)
    await exchange(alice, bob, { a, b })
  })
})

describe("a user", () => {
  test("can be given an invitation that nobody has used, and no other connection", async () => {
    await using alice = await open("alice")
    await using bob = await open("bob")
    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId)
    const other = await alice.agent.createUser([{ address: addressOf(relay) }])
    await alice.agent.changeUser(a, other)
    expect((await alice.agent.connection(a)).userId).toBe(other)
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8("") })
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.agent.allowConnection(a, confirmationId, utf8(""))
    await Promise.all([alice.next("connected", a), bob.next("connected", b)])
    await exchange(alice, bob, { a, b })
    await expect(alice.agent.changeUser(a, alice.userId)).rejects.toMatchObject({ problem: { reason: "PROHIBITED" } })
  })
})

describe("a server test", () => {
  test("passes, or names the step that fails", async () => {
    await using locked = await TestRelay.start({ store: "memory", settings: { "relay.password": "secret" } })
    await using alice = await open("alice")
    expect(await alice.agent.testServer(addressOf(relay))).toBeUndefined()
    expect(await alice.agent.testServer({ ...addressOf(locked), password: "secret" })).toBeUndefined()
    for (const password of [undefined, "wrong"]) {
      expect(await alice.agent.testServer({ ...addressOf(locked), password })).toMatchObject({
        step: "create-queue",
        error: { problem: { code: "SMP", error: { type: "AUTH" } } },
      })
    }
    expect(await alice.agent.testServer({ ...addressOf(relay), keyHash: new Uint8Array(32) })).toMatchObject({
      step: "connect",
      error: { problem: { code: "BROKER", error: { type: "NETWORK", error: { type: "UNKNOWNCA" } } } },
    })
  })
})
