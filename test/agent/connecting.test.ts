import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestRelay } from "../support/relay.ts"
import { connect, exchange, TestAgent } from "./test-agent.ts"

/* agent.md §21, "Connecting": how two agents get to know each other. */

let relay: TestRelay

beforeAll(async () => {
  relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
})
afterAll(() => relay[Symbol.asyncDispose]())

describe("two peers", () => {
  test("connect by an invitation, and talk", async () => {
    await using alice = await TestAgent.open("alice", { servers: [relay] })
    await using bob = await TestAgent.open("bob", { servers: [relay] })
    const pair = await connect(alice, bob)
    await exchange(alice, bob, pair)
    expect(await alice.agent.securityCode(pair.a)).toEqual(await bob.agent.securityCode(pair.b))
  })
})
