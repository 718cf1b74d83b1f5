import { cp, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { utf8 } from "@sluice/encoding/bytes"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { connect, exchange, type Pair, TestAgent } from "./test-agent.ts"

/* agent.md §21, "Ratchet sync": a side whose ratchet is not the peer's any more gets a new one. */

let relay: TestRelay

beforeAll(async () => {
  relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
})
afterAll(() => relay[Symbol.asyncDispose]())

/** Bob goes on with a copy of his store from before some messages: his ratchet is behind. */
async function restoreOld(alice: TestAgent, bob: TestAgent, pair: Pair): Promise<void> {
  const copy = await mkdtemp(join(tmpdir(), "sluice-copy-"))
  await bob.stop()
  await cp(bob.folder, copy, { recursive: true })
  await bob.start()
  for (let n = 0; n < 2; n++) await exchange(alice, bob, pair, `forgotten ${n}`)
  await bob.stop()
  await cp(copy, bob.folder, { recursive: true, force: true })
  await rm(copy, { recursive: true })
  await bob.start()
}

async function open(): Promise<{ alice: TestAgent; bob: TestAgent; pair: Pair }> {
  const alice = await TestAgent.open("alice", { servers: [relay], store: "lmdb" })
  const bob = await TestAgent.open("bob", { servers: [relay], store: "lmdb" })
  const pair = await connect(alice, bob)
  await exchange(alice, bob, pair)
  return { alice, bob, pair }
}

/** Alice writes something that Bob can not read any more. */
async function breakDown({ alice, bob, pair }: Awaited<ReturnType<typeof open>>): Promise<void> {
  await restoreOld(alice, bob, pair)
  await alice.say(pair.a, "unreadable")
  const { state } = await bob.next("ratchet-sync", pair.b)
  expect(state).toBe("required")
  await expect(bob.say(pair.b, "no")).rejects.toMatchObject({ problem: { code: "CMD", reason: "PROHIBITED" } })
}

async function synchronized({ alice, bob, pair }: Awaited<ReturnType<typeof open>>): Promise<void> {
  const is = (event: { state: string }): boolean => event.state === "ok"
  await Promise.all([alice.next("ratchet-sync", pair.a, is), bob.next("ratchet-sync", pair.b, is)])
  await exchange(alice, bob, pair, "after")
  await exchange(alice, bob, pair, "and on")
  expect(await alice.agent.securityCode(pair.a)).toEqual(await bob.agent.securityCode(pair.b))
}

describe("an old copy of a store", () => {
  test("makes a new ratchet necessary, which either side can ask for", async () => {
    const both = await open()
    await using alice = both.alice
    await using bob = both.bob
    await breakDown(both)
    await bob.agent.synchronizeRatchet(both.pair.b)
    await synchronized({ alice, bob, pair: both.pair })
  })

  test("is made good while the peer is away", async () => {
    const both = await open()
    await using alice = both.alice
    await using bob = both.bob
    await breakDown(both)
    await alice.stop()
    await bob.agent.synchronizeRatchet(both.pair.b)
    await bob.restart()
    await alice.start()
    await synchronized({ alice, bob, pair: both.pair })
  })

  test("is made good by both sides at once", async () => {
    const both = await open()
    await using alice = both.alice
    await using bob = both.bob
    await breakDown(both)
    const { a, b } = both.pair
    await Promise.all([bob.agent.synchronizeRatchet(b), alice.agent.synchronizeRatchet(a, { force: true })])
    await synchronized({ alice, bob, pair: both.pair })
  })
})

test("a new ratchet is not made without need, but on demand", async () => {
  const both = await open()
  await using alice = both.alice
  await using bob = both.bob
  const { a } = both.pair
  await expect(alice.agent.synchronizeRatchet(a)).rejects.toMatchObject({ problem: { reason: "PROHIBITED" } })
  const before = await alice.agent.securityCode(a)
  await alice.agent.synchronizeRatchet(a, { force: true })
  await expect(alice.agent.sendMessage(a, utf8("not now"))).rejects.toMatchObject({ problem: { reason: "PROHIBITED" } })
  await synchronized({ alice, bob, pair: both.pair })
  expect(await alice.agent.securityCode(a)).not.toEqual(before)
})
