import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { connect, exchange, type Pair, TestAgent, type TestAgentOptions } from "./test-agent.ts"

/* agent.md §21, "Rotation": a queue moves to another relay, and nothing is lost. */

let first: TestRelay
let second: TestRelay

beforeAll(async () => {
  const settings = { "relay.message_quota": 128 }
  first = await TestRelay.start({ store: "memory", settings })
  second = await TestRelay.start({ store: "memory", settings })
})
afterAll(async () => {
  await first[Symbol.asyncDispose]()
  await second[Symbol.asyncDispose]()
})

function open(name: string, options: Partial<TestAgentOptions> = {}): Promise<TestAgent> {
  return TestAgent.open(name, { servers: [first, second], ...options })
}

/** Waits until a rotation of this side's queue is done, on both sides. */
async function completed(own: TestAgent, ownId: Uint8Array, peer: TestAgent, peerId: Uint8Array): Promise<void> {
  for (const phase of ["started", "confirmed", "secured", "completed"] as const) {
    const is = (event: { phase: string }): boolean => event.phase === phase
    await Promise.all([own.next("switch", ownId, is), peer.next("switch", peerId, is)])
  }
}

describe.each([
  ["one relay", () => [first]],
  ["two relays", () => [first, second]],
])("with %s", (_, servers) => {
  test("a queue is moved, twice, by each side", async () => {
    await using alice = await open("alice", { servers: servers() })
    await using bob = await open("bob", { servers: servers() })
    const { a, b }: Pair = await connect(alice, bob)
    for (let round = 0; round < 2; round++) {
      await alice.agent.switchQueue(a)
      await completed(alice, a, bob, b)
      await exchange(alice, bob, { a, b }, `after alice's ${round}`)
      await bob.agent.switchQueue(b)
      await completed(bob, b, alice, a)
      await exchange(alice, bob, { a, b }, `after bob's ${round}`)
    }
  })
})

test("messages flow while a queue is moved, none is lost and all are in order", async () => {
  await using alice = await open("alice")
  await using bob = await open("bob")
  const { a, b } = await connect(alice, bob)
  const texts = Array.from({ length: 30 }, (_, n) => `message ${n}`)
  const sending = (async () => {
    for (const [n, text] of texts.entries()) {
      await bob.say(b, text)
      if (n === 5) await alice.agent.switchQueue(a)
      if (n % 3 === 0) await bob.next("sent", b)
    }
  })()
  const got: string[] = []
  for (const _ of texts) got.push(await alice.text(a))
  await sending
  expect(got).toEqual(texts)
  await completed(alice, a, bob, b)
})

test("both sides can move their queues at once", async () => {
  await using alice = await open("alice")
  await using bob = await open("bob")
  const { a, b } = await connect(alice, bob)
  await Promise.all([alice.agent.switchQueue(a), bob.agent.switchQueue(b)])
  const done = (event: { phase: string }): boolean => event.phase === "completed"
  for (let n = 0; n < 2; n++) await Promise.all([alice.next("switch", a, done), bob.next("switch", b, done)])
  await exchange(alice, bob, { a, b })
})

test("it goes on with parties that are online in turns", async () => {
  await using alice = await open("alice", { store: "lmdb" })
  await using bob = await open("bob", { store: "lmdb" })
  const { a, b } = await connect(alice, bob)
  const at = (phase: string) => (event: { phase: string }) => event.phase === phase
  /** What was sent before this message has been delivered when it has. */
  const flush = async (one: TestAgent, id: Uint8Array): Promise<void> => {
    await one.say(id, "are you there?")
    await one.next("sent", id)
  }
  await bob.stop()
  await alice.agent.switchQueue(a)
  await alice.next("switch", a, at("started"))
  await flush(alice, a)
  await alice.stop()

  await bob.start()
  await bob.next("switch", b, at("confirmed"))
  await bob.text(b)
  await bob.stop()

  await alice.start()
  await alice.next("switch", a, at("secured"))
  await flush(alice, a)
  await alice.stop()

  await bob.start()
  await bob.next("switch", b, at("completed"))
  await bob.text(b)
  await bob.stop()

  await alice.start()
  await alice.next("switch", a, at("completed"))
  await bob.start()
  await exchange(alice, bob, { a, b })
})

test("it can be taken back until the peer has answered, and begun again", async () => {
  await using alice = await open("alice")
  await using bob = await open("bob", { store: "lmdb" })
  const { a, b } = await connect(alice, bob)
  await bob.stop()
  await alice.agent.switchQueue(a)
  await expect(alice.agent.switchQueue(a)).rejects.toMatchObject({ problem: { reason: "PROHIBITED" } })
  await alice.next("switch", a, ({ phase }) => phase === "started")
  await alice.agent.abortSwitch(a)
  await expect(alice.agent.abortSwitch(a)).rejects.toMatchObject({ problem: { reason: "PROHIBITED" } })
  await bob.start()
  await alice.agent.switchQueue(a)
  await alice.next("switch", a, ({ phase }) => phase === "completed")
  await exchange(alice, bob, { a, b })
})

test("it can not be taken back once the queue is secured", async () => {
  await using alice = await open("alice")
  await using bob = await open("bob")
  const { a, b } = await connect(alice, bob)
  const secured = alice.next("switch", a, ({ phase }) => phase === "secured")
  await alice.agent.switchQueue(a)
  await secured
  await expect(alice.agent.abortSwitch(a)).rejects.toMatchObject({ problem: { reason: "PROHIBITED" } })
  await exchange(alice, bob, { a, b })
})

test("messages for an old relay that never answers again go to the new one", async () => {
  const relay = await TestRelay.start({ store: "memory" })
  await using alice = await open("alice", { servers: [relay] })
  await using bob = await open("bob", { servers: [second] })
  const { a, b } = await connect(alice, bob)
  await alice.agent.setServers(alice.userId, [
    { address: { scheme: "smp", keyHash: second.relay.fingerprint, hosts: ["127.0.0.1"], port: String(second.port) } },
  ])
  await alice.agent.switchQueue(a)
  await completed(alice, a, bob, b)
  await relay[Symbol.asyncDispose]()
  await exchange(alice, bob, { a, b })
})
