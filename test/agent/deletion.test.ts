import { utf8 } from "@sluice/encoding/bytes"
import { describe, expect, test } from "vitest"
import { perTest } from "./per-test.ts"
import { ShiftedClock } from "./shifted-clock.ts"
import { connect, exchange } from "./test-agent.ts"

/* agent.md §21, "Deletion" and "Users". */

const { startRelay, agent } = perTest({ store: "memory" })

const NOT_FOUND = { problem: { code: "CONN", reason: "NOT_FOUND" } }

describe("a deleted connection", () => {
  test("is gone at once, and its queue a little later", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { a, b } = await connect(alice, bob)
    await alice.agent.deleteConnection(a)
    await expect(alice.agent.sendMessage(a, utf8("no"))).rejects.toMatchObject(NOT_FOUND)
    expect((await alice.next("queues-deleted")).queues).toMatchObject([{ error: undefined }])
    await alice.next("connections-deleted")
    expect(await alice.agent.connections()).toEqual([])
    await bob.say(b, "nobody is there")
    const failed = await bob.next("messages-failed", b)
    expect(failed.error.problem).toMatchObject({ code: "SMP", error: { type: "AUTH" } })
  })

  test("is gone on both sides without a trace", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const pair = await connect(alice, bob)
    await exchange(alice, bob, pair)
    await alice.agent.deleteConnectionNow(pair.a)
    await bob.agent.deleteConnectionNow(pair.b)
    await alice.next("connections-deleted")
    await bob.next("connections-deleted")
    await expect(alice.agent.securityCode(pair.a)).rejects.toMatchObject(NOT_FOUND)
  })

  test("fails where its caller waits for a relay that is away, and goes on by itself", async () => {
    const relay = await startRelay({ store: "lmdb" })
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { a } = await connect(alice, bob)
    const { port } = relay
    await relay.stop()
    await expect(alice.agent.deleteConnectionNow(a)).rejects.toMatchObject({ problem: { code: "BROKER" } })
    await relay.start({ "relay.port": port })
    alice.agent.retryNow()
    await alice.next("connections-deleted")
  })

  test("waits for messages that are to be delivered, if it shall", async () => {
    const relay = await startRelay()
    const other = await startRelay({ store: "lmdb" })
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [other])]
    const { a, b } = await connect(alice, bob)
    const { port } = other
    await other.stop()
    await alice.say(a, "farewell")
    await alice.agent.deleteConnection(a, { waitDelivery: true })
    await expect(alice.agent.sendMessage(a, utf8("no"))).rejects.toMatchObject(NOT_FOUND)
    await alice.next("queues-deleted")
    expect(alice.events.some(({ type }) => type === "connections-deleted")).toBe(false)
    await other.start({ "relay.port": port })
    alice.agent.retryNow()
    bob.agent.retryNow()
    expect(await bob.text(b)).toBe("farewell")
    await alice.next("connections-deleted")
  })

  test("does not wait where there is nothing to deliver, or the peer's queue is gone", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const first = await connect(alice, bob)
    await alice.agent.deleteConnection(first.a, { waitDelivery: true })
    await alice.next("connections-deleted")
    const second = await connect(alice, bob)
    await bob.agent.deleteConnectionNow(second.b)
    await alice.say(second.a, "nobody is there")
    await alice.agent.deleteConnection(second.a, { waitDelivery: true })
    await alice.next("connections-deleted")
  })

  test("does not wait for ever", async () => {
    const relay = await startRelay()
    const other = await startRelay()
    const clock = new ShiftedClock()
    const [alice, bob] = [await agent("alice", [relay], { clock }), await agent("bob", [other])]
    const { a } = await connect(alice, bob)
    await other.stop()
    await alice.say(a, "into the void")
    await alice.agent.deleteConnection(a, { waitDelivery: true })
    await alice.next("queues-deleted")
    clock.skip(2 * 86_400_000 + 1)
    await alice.agent.cleanUp()
    await alice.next("connections-deleted")
  })

  test("is taken down after a restart, if it was not before", async () => {
    const relay = await startRelay({ store: "lmdb" })
    const alice = await agent("alice", [relay], { store: "lmdb" })
    const bob = await agent("bob", [relay])
    const { a } = await connect(alice, bob)
    const { port } = relay
    await relay.stop()
    await alice.agent.deleteConnection(a)
    await alice.stop()
    await relay.start({ "relay.port": port })
    await alice.start()
    await alice.next("connections-deleted")
  })

  test("takes a rotation that is under way with it", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay], { store: "lmdb" })]
    const { a } = await connect(alice, bob)
    await bob.stop()
    await alice.agent.switchQueue(a)
    await alice.next("switch", a)
    await alice.agent.deleteConnection(a)
    await alice.next("connections-deleted")
  })
})

describe("a deleted user", () => {
  test("goes with all connections", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    await connect(alice, bob)
    await connect(alice, bob)
    await alice.agent.deleteUser(alice.userId)
    expect(alice.agent.users()).toEqual([])
    await alice.next("user-deleted")
    await expect(alice.agent.createConnection(alice.userId)).rejects.toMatchObject({ problem: { code: "NO_USER" } })
  })

  test("without connections goes at once", async () => {
    const relay = await startRelay()
    const alice = await agent("alice", [relay])
    await alice.agent.deleteUser(alice.userId)
    await alice.next("user-deleted")
  })

  test("goes quietly, if it shall: nothing is said to a relay", async () => {
    const relay = await startRelay()
    const [alice, bob] = [await agent("alice", [relay]), await agent("bob", [relay])]
    const { b } = await connect(alice, bob)
    await alice.agent.deleteUser(alice.userId, { queues: false })
    expect(await alice.agent.connections()).toEqual([])
    await bob.say(b, "the queue is still there")
    await bob.next("sent", b)
    expect(alice.events.filter(({ type }) => type.endsWith("deleted"))).toEqual([])
  })
})
