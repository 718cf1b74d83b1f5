import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { describe, expect, test } from "vitest"
import { perTest } from "./per-test.ts"
import { ShiftedClock } from "./shifted-clock.ts"
import { addressOf, connect, exchange, type TestAgent } from "./test-agent.ts"

/* agent.md §21, "Delivery" and "Receipts": what becomes of messages. */

const { startRelay, agent } = perTest({ store: "memory", settings: { "relay.message_quota": 128 } })

const HOUR = 3_600_000

describe("messages", () => {
  test("arrive in order, 50 at once in each direction", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    const texts = Array.from({ length: 50 }, (_, n) => `message ${n}`)
    await Promise.all([...texts.map((text) => alice.say(a, text)), ...texts.map((text) => bob.say(b, text))])
    const take = async (one: TestAgent, id: Uint8Array): Promise<string[]> => {
      const got: string[] = []
      for (const _ of texts) got.push(await one.text(id))
      return got
    }
    expect(await Promise.all([take(alice, a), take(bob, b)])).toEqual([texts, texts])
  })

  test("of all sizes up to the longest arrive, longer ones are refused", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    for (const length of [0, 1, 13_573]) {
      await alice.agent.sendMessage(a, new Uint8Array(length).fill(7))
      const { body, meta } = await bob.next("message", b)
      expect(body).toEqual(new Uint8Array(length).fill(7))
      await bob.agent.acknowledge(b, meta.messageId)
    }
    await expect(alice.agent.sendMessage(a, new Uint8Array(13_574))).rejects.toMatchObject({
      problem: { code: "CMD", reason: "LARGE" },
    })
    await exchange(alice, bob, { a, b })
  })

  test("raise the agent version to what both speak, and never lower it", async () => {
    const relay = await startRelay()
    const alice = await agent("alice", [relay], { store: "lmdb", versions: { agent: { min: 2, max: 5 } } })
    const bob = await agent("bob", [relay])
    const pair = await connect(alice, bob)
    await alice.restart({ versions: { agent: { min: 2, max: 7 } } })
    await exchange(alice, bob, pair)
    await alice.restart({ versions: { agent: { min: 2, max: 5 } } })
    await exchange(alice, bob, pair, "later")
  })

  test("sent before a restart are delivered after it, when the relay is back", async () => {
    const relay = await startRelay({ store: "lmdb" })
    const alice = await agent("alice", [relay], { store: "lmdb" })
    const bob = await agent("bob", [relay], { store: "lmdb" })
    const { a, b } = await connect(alice, bob)
    const { port } = relay
    await relay.stop()
    await alice.say(a, "one")
    await alice.say(a, "two")
    await alice.stop()
    await relay.start({ "relay.port": port })
    await alice.start()
    await bob.restart()
    expect([await bob.text(b), await bob.text(b)]).toEqual(["one", "two"])
  })

  test("that were not acknowledged are handed out again after a restart, those that were are not", async () => {
    const relay = await startRelay()
    const alice = await agent("alice", [relay])
    const bob = await agent("bob", [relay], { store: "lmdb" })
    const { a, b } = await connect(alice, bob)
    await alice.say(a, "first")
    const first = await bob.next("message", b)
    await bob.restart()
    const again = await bob.next("message", b)
    expect(again).toEqual(first)
    await bob.agent.acknowledge(b, again.meta.messageId)
    await bob.restart()
    await alice.say(a, "second")
    expect(await bob.text(b)).toBe("second")
  })

  test("that a relay has lost are told as skipped, once", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay], { store: "lmdb" })]
    const { a, b } = await connect(alice, bob)
    await bob.stop()
    for (const text of ["lost", "lost, too"]) await alice.say(a, text)
    await alice.next("sent", a)
    await alice.next("sent", a)
    const { expired } = await relay.store.expireMessages({ before: 2 ** 40, limit: 1000 })
    expect(expired).toBe(2)
    await bob.start()
    await alice.say(a, "after")
    const { meta, body } = await bob.next("message", b)
    expect([fromUtf8(body), meta.integrity]).toEqual(["after", { type: "SKIPPED", from: 2n, to: 3n }])
    await bob.agent.acknowledge(b, meta.messageId)
    await alice.say(a, "and on")
    expect((await bob.next("message", b)).meta.integrity).toEqual({ type: "OK" })
  })
})

describe("a full queue", () => {
  test("holds back its own connection only, and goes on when there is room", async () => {
    const relay = await startRelay({ settings: { "relay.message_quota": 2 } })
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const first = await connect(alice, bob)
    const second = await connect(alice, bob)
    const texts = ["one", "two", "three", "four"]
    for (const text of texts) await alice.say(first.a, text)
    const delayed = await alice.next("message-delayed", first.a)
    expect(delayed.error.problem).toMatchObject({ code: "SMP", error: { type: "QUOTA" } })
    await alice.say(second.a, "elsewhere")
    expect(await bob.text(second.b)).toBe("elsewhere")
    const got: string[] = []
    for (const _ of texts) got.push(await bob.text(first.b))
    expect(got).toEqual(texts)
    await alice.next("quota-cleared", first.a)
  })

  test("for too long makes its messages fail, all that are old at once", async () => {
    const relay = await startRelay({ settings: { "relay.message_quota": 1 } })
    const clock = new ShiftedClock()
    const [alice, bob] = [await agent("alice", [relay], { clock }), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    const ids = []
    for (const text of ["in", "old", "old, too"]) ids.push(await alice.say(a, text))
    await alice.next("message-delayed", a)
    clock.skip(7 * 24 * HOUR + 1)
    ids.push(await alice.say(a, "new"))
    alice.agent.retryNow()
    const failed = await alice.next("messages-failed", a)
    expect(failed.messageIds).toEqual(ids.slice(1, 3))
    expect(await bob.text(b)).toBe("in")
    expect(await bob.text(b)).toBe("new")
  })
})

describe("a relay that can not be reached", () => {
  test("for too long makes messages fail", async () => {
    const relay = await startRelay()
    const other = await startRelay()
    const clock = new ShiftedClock()
    const [alice, bob] = [await agent("alice", [relay], { clock }), await agent("bob", [other])]
    const { a } = await connect(alice, bob)
    await other.stop()
    const id = await alice.say(a, "into the void")
    clock.skip(2 * 24 * HOUR + 1)
    alice.agent.retryNow()
    const failed = await alice.next("messages-failed", a)
    expect(failed.messageIds).toEqual([id])
    expect(failed.error.temporary).toBe(true)
  })

  test("is tried again until it can", async () => {
    const relay = await startRelay()
    const other = await startRelay({ store: "lmdb" })
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [other])]
    const pair = await connect(alice, bob)
    const { port } = other
    await other.stop()
    await bob.next("down")
    await alice.say(pair.a, "later")
    await other.start({ "relay.port": port })
    alice.agent.retryNow()
    bob.agent.retryNow()
    expect(await bob.text(pair.b)).toBe("later")
    await bob.next("up")
    await exchange(alice, bob, pair)
  })
})

describe("receipts", () => {
  test("are sent and matched, and say nothing twice", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    for (const text of ["one", "two"]) {
      const messageId = await alice.say(a, text)
      expect(await bob.text(b, true)).toBe(text)
      const receipt = await alice.next("receipt", a)
      expect(receipt.receipts).toEqual([{ messageId, status: "ok" }])
      await alice.agent.acknowledge(a, receipt.meta.messageId)
    }
    await exchange(alice, bob, { a, b })
  })

  test("are not sent to agents before version 4", async () => {
    const relay = await startRelay()
    const alice = await agent("alice", [relay], { versions: { agent: { min: 2, max: 3 } } })
    const bob = await agent("bob", [relay])
    const { a, b } = await connect(alice, bob)
    await alice.say(a, "hello")
    await bob.text(b, true)
    await exchange(alice, bob, { a, b })
    expect(alice.events.filter(({ type }) => type === "receipt")).toEqual([])
  })

  test("go with messages in both directions", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    const texts = Array.from({ length: 10 }, (_, n) => `${n}`)
    const take = async (one: TestAgent, id: Uint8Array): Promise<{ got: string[]; receipts: number }> => {
      const got: string[] = []
      let receipts = 0
      // Whatever comes first has to be acknowledged before the next one comes.
      while (got.length < texts.length || receipts < texts.length) {
        const event = await one.nextOf(["message", "receipt"], id)
        if (event.type === "message") got.push(fromUtf8(event.body))
        else receipts++
        await one.agent.acknowledge(id, event.meta.messageId, { receipt: event.type === "message" })
      }
      return { got, receipts }
    }
    for (const text of texts) await Promise.all([alice.say(a, text), bob.say(b, text)])
    const all = { got: texts, receipts: texts.length }
    expect(await Promise.all([take(alice, a), take(bob, b)])).toEqual([all, all])
  })

  test("of a receipt, or of no message, are refused", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    await alice.say(a, "hello")
    await bob.text(b, true)
    const { meta } = await alice.next("receipt", a)
    const refused = { problem: { code: "CMD", reason: "PROHIBITED" } }
    await expect(alice.agent.acknowledge(a, meta.messageId, { receipt: true })).rejects.toMatchObject(refused)
    await alice.agent.acknowledge(a, meta.messageId)
    await expect(alice.agent.acknowledge(a, meta.messageId)).rejects.toMatchObject(refused)
    await expect(alice.agent.acknowledge(a, 99)).rejects.toMatchObject(refused)
  })
})

describe("without a subscription", () => {
  test("messages are fetched", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { connectionId: a, link } = await alice.agent.createConnection(alice.userId, { subscribe: false })
    const { connectionId: b } = await bob.agent.joinConnection(bob.userId, link, { info: utf8(""), subscribe: false })
    expect(await alice.agent.fetchMessages(a)).toBe(1)
    const { confirmationId } = await alice.next("confirmation", a)
    await alice.agent.allowConnection(a, confirmationId, utf8(""))
    await alice.next("connected", a)
    await bob.agent.fetchMessages(b)
    await bob.next("connected", b)
    await alice.say(a, "one")
    await alice.say(a, "two")
    await alice.next("sent", a)
    await alice.next("sent", a)
    for (const text of ["one", "two"]) {
      expect(await bob.agent.fetchMessages(b)).toBe(1)
      expect(await bob.text(b)).toBe(text)
    }
    expect(await bob.agent.fetchMessages(b)).toBe(0)
  })
})

describe("many messages at once", () => {
  test("on several connections each tell what became of them", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const pairs = [await connect(alice, bob), await connect(alice, bob)]
    const body = utf8("to all")
    const nobody = alice.agent.newConnectionId()
    const ids = [...pairs.map(({ a }) => a), nobody, ...pairs.map(({ a }) => a)]
    const results = await alice.agent.sendMessages(ids.map((connectionId) => ({ connectionId, body })))
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ])
    for (const { b } of pairs) expect([await bob.text(b), await bob.text(b)]).toEqual(["to all", "to all"])
  })
})

describe("a queue", () => {
  test("is asked about, and takes nothing more when it is suspended", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    expect(await alice.agent.queueInfo(a)).toMatchObject({ tag: "INFO" })
    await alice.agent.suspendQueues(a)
    await bob.say(b, "too late")
    const { error } = await bob.next("messages-failed", b)
    expect(error.problem).toMatchObject({ code: "SMP", error: { type: "AUTH" } })
  })
})

describe("names", () => {
  test("are asked only of servers that the user has chosen for it", async () => {
    const relay = await startRelay()
    const alice = await agent("alice", [relay])
    const none = { problem: { code: "NO_NAME_SERVERS" } }
    await expect(alice.agent.resolveName(alice.userId, "alice.simplex")).rejects.toMatchObject(none)
    await alice.agent.setServers(alice.userId, [{ address: addressOf(relay), names: true }])
    await expect(alice.agent.resolveName(alice.userId, "alice.simplex")).rejects.toMatchObject({
      problem: { code: "SMP", error: { type: "NAME", error: { type: "NO_RESOLVER" } } },
    })
  })
})
