import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { authKeys, createQueue, createQueues, hex, OK, type TestQueue } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { ack, delivered, message, receive, sendTo } from "../support/steps.ts"

/**
 * relay-internals.md §2: a client that does not read costs nobody anything but itself, and gets everything in the end.
 *
 * Its queues hold more than sockets do, 16 KB each: some 10 MB.
 */
const QUEUES = 600

let relay: TestRelay
beforeAll(async () => {
  relay = await TestRelay.start({ store: "memory" })
})
afterAll(() => relay[Symbol.asyncDispose]())

describe("a client that does not read", () => {
  test("gets the messages of all its queues later, each once", async () => {
    const [r, s] = [await relay.connect(), await relay.connect()]
    const queues = await createQueues(r, QUEUES, { keys: authKeys() })
    r.pause()
    for (const [i, queue] of queues.entries()) expect(await sendTo(s, queue, `${i}`)).toEqual(OK)
    // Somebody else is served meanwhile.
    const other = await createQueue(s)
    expect(await sendTo(await relay.connect(), other, "hello")).toEqual(OK)
    const received = await receive(s, other)
    expect(await ack(s, other, received)).toEqual(OK)
    expect(await congested()).toBe(1)
    r.resume()
    const ids = await takeAll(r, queues)
    // What follows on an acknowledgement is not lost either.
    for (const [i, queue] of queues.slice(0, 20).entries()) {
      expect(await sendTo(s, queue, `${i} again`)).toEqual(OK)
      const next = await ack(r, queue, { id: ids.get(hex(queue.ids.recipientId)) ?? queue.ids.recipientId })
      expect(delivered(queue, next).text).toBe(`${i} again`)
    }
    await r.quiet()
  })

  test("gets the first messages of all subscriptions that it asked for, each once", async () => {
    const [r, s] = [await relay.connect(), await relay.connect()]
    const queues = await createQueues(s, QUEUES, { keys: authKeys(), subscription: "create-only" })
    for (const [i, queue] of queues.entries()) expect(await sendTo(s, queue, `${i}`)).toEqual(OK)
    r.pause()
    r.send(...queues.map((queue) => ({ command: { tag: "SUB" } as const, ...queue.asRecipient })))
    // Its blocks are all handled, or wait, when a whole round trip of another client is over.
    for (let i = 0; i < 10; i++) await s.quiet()
    expect(await congested()).toBe(1)
    r.resume()
    await takeAll(r, queues)
    await r.quiet()
  })

  test("can go away at any time", async () => {
    const [r, s] = [await relay.connect(), await relay.connect()]
    const queues = await createQueues(r, QUEUES, { keys: authKeys() })
    r.pause()
    s.send(...queues.slice(0, 200).map((queue) => ({ command: message("hello"), ...queue.asSender })))
    r.close()
    let answers = 0
    while (answers < 200) for (const { message: answer } of await s.block()) answers += answer.tag === "OK" ? 1 : 1000
    expect(answers).toBe(200)
    const again = await relay.connect()
    again.send(...queues.slice(0, 200).map((queue) => ({ command: { tag: "SUB" } as const, ...queue.asRecipient })))
    await takeAll(again, queues.slice(0, 200), "hello")
  })
})

/** Sessions whose output is full. */
async function congested(): Promise<number> {
  return Number(/^sluice_congested_sessions (\d+)$/m.exec(await relay.metrics())?.[1])
}

/** Takes blocks until every queue delivered its message, by default its index; the ids of the messages. */
async function takeAll(r: RawClient, queues: readonly TestQueue[], text?: string): Promise<Map<string, Uint8Array>> {
  const index = new Map(queues.map(({ ids }, i) => [hex(ids.recipientId), i]))
  const taken = new Map<string, Uint8Array>()
  while (taken.size < queues.length) {
    for (const { entityId, message: event } of await r.block()) {
      if (event.tag === "SOK") continue
      const key = hex(entityId)
      const i = index.get(key) ?? -1
      const queue = queues[i]
      if (queue === undefined || taken.has(key)) throw new Error("a message that nobody expected")
      const { id, text: received } = delivered(queue, event)
      expect(received).toBe(text ?? `${i}`)
      taken.set(key, id)
    }
  }
  return taken
}
