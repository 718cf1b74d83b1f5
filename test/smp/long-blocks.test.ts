import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { authKeys, createQueues, sok, type TestQueue } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import type { Sending } from "../support/sending.ts"

/** Clients that come back at the same time, and how many queues each of them has: one block of `SUB`s. */
const CLIENTS = 12
const QUEUES = 40

let relay: TestRelay
beforeAll(async () => {
  // In memory, so that no answer waits for the disk: the order of the answers is that of the work.
  relay = await TestRelay.start({ store: "memory" })
})
afterAll(() => relay[Symbol.asyncDispose]())

describe("blocks of many commands", () => {
  test("let short commands pass that came at the same time, and all are answered", async () => {
    const clients = await connected(CLIENTS)
    const others = await connected(2)
    // All have the same past, since the relay reads new connections before others.
    const queues = await queuesOf([...clients, ...others])
    const order: string[] = []
    // The relay is in this process, and reads nothing before all is written. Whether it begins with what was written first
    // or last is the system's choice: one short block is first, one is last.
    const [first, last] = others
    first?.send({ command: { tag: "PING" } })
    for (const client of clients) client.send(...subscriptions(queues.get(client) ?? []))
    last?.send({ command: { tag: "PING" } })
    const subscribed = clients.map(async (client) => {
      const answers = await client.block()
      order.push("long")
      expect(answers.map(({ message }) => message)).toEqual(Array.from({ length: QUEUES }, () => sok(client)))
      expect(answers.map(({ entityId }) => entityId)).toEqual(queues.get(client)?.map(({ ids }) => ids.recipientId))
    })
    const served = others.map(async (other) => {
      const [answer] = await other.block()
      order.push("short")
      expect(answer?.message).toEqual({ tag: "PONG" })
    })
    await Promise.all([...subscribed, ...served])
    expect(order.lastIndexOf("short")).toBeLessThan(CLIENTS / 2)
  })

  test("are answered before what the same client sent behind them", async () => {
    const [client] = await connected(1)
    if (client === undefined) throw new Error("no client")
    const queues = await createQueues(client, QUEUES, { keys: authKeys(), subscription: "create-only" })
    client.send(...subscriptions(queues))
    client.send({ command: { tag: "PING" } })
    expect(await client.block()).toHaveLength(QUEUES)
    expect((await client.block()).map(({ message }) => message)).toEqual([{ tag: "PONG" }])
  })
})

function connected(count: number): Promise<RawClient[]> {
  return Promise.all(Array.from({ length: count }, () => relay.connect()))
}

async function queuesOf(clients: readonly RawClient[]): Promise<Map<RawClient, readonly TestQueue[]>> {
  const options = { keys: authKeys(), subscription: "create-only" } as const
  const queues = new Map<RawClient, readonly TestQueue[]>()
  for (const client of clients) queues.set(client, await createQueues(client, QUEUES, options))
  return queues
}

function subscriptions(queues: readonly TestQueue[]): Sending[] {
  return queues.map((queue) => ({ command: { tag: "SUB" } as const, ...queue.asRecipient }))
}
