import { ManualClock } from "@sluice/ops/manual-clock"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createQueue, createQueues, hex, OK, sok, type TestQueue } from "../support/queue.ts"
import { type RawClient, tagsOf } from "../support/raw-client.ts"
import { TestRelay, TOPOLOGIES } from "../support/relay.ts"
import { ack, delivered, expectEvent, receive, secureAsSender, sendTo, sub, subWithMessage } from "../support/steps.ts"

/** smp.md §4.2 and relay-internals.md §8: subscriptions that end, and what is sent about it. */
describe.each(TOPOLOGIES)("on $name:", ({ on }) => {
  let relay: TestRelay
  beforeAll(async () => {
    relay = await TestRelay.start(on)
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  describe("subscriptions", () => {
    test("END comes once when a subscription moves on before it was sent", async () => {
      const [r1, r2, s] = [await relay.connect(), await relay.connect(), await relay.connect()]
      const queue = await createQueue(r1)
      expect(await sub(r2, queue)).toEqual(sok(r2))
      expect(await sub(s, queue)).toEqual(sok(s))
      await expectEvent(r1, queue.ids.recipientId, { tag: "END" })
      await expectEvent(r2, queue.ids.recipientId, { tag: "END" })
      await s.quiet()
    })

    test("no END for who subscribed again before it was sent", async () => {
      const clock = new ManualClock(Date.now())
      await using slow = await TestRelay.start({ ...on, clock })
      const [r1, r2, s] = [await slow.connect(), await slow.connect(), await slow.connect()]
      const queue = await createQueue(r1)
      expect(await sub(r2, queue)).toEqual(sok(r2))
      expect(await sub(r1, queue)).toEqual(sok(r1))
      // Its node hears of it in its own time.
      const passing = setInterval(() => clock.advance(1000), 10)
      await expectEvent(r2, queue.ids.recipientId, { tag: "END" })
      clearInterval(passing)
      expect(await sendTo(s, queue, "hello")).toEqual(OK)
      await take(r1, queue, "hello")
      await r1.quiet()
    })

    test("300 ENDs come together, 255 in a block at the most", async () => {
      const [r1, r2] = [await relay.connect(), await relay.connect()]
      const queues = await createQueues(r1, 300)
      r2.send(...queues.map((queue) => ({ command: { tag: "SUB" } as const, ...queue.asRecipient })))
      const answers = []
      while (answers.length < 300) answers.push(...(await r2.block()))
      expect(new Set(tagsOf(answers))).toEqual(new Set(["SOK"]))
      const ended = new Set<string>()
      while (ended.size < 300) {
        const block = await r1.block()
        expect(block.length).toBeLessThanOrEqual(255)
        for (const { corrId, entityId, message: event } of block) {
          expect([corrId.length, event.tag]).toEqual([0, "END"])
          expect(ended.has(hex(entityId))).toBe(false)
          ended.add(hex(entityId))
        }
      }
      await r1.quiet()
    })

    test("a closed connection loses its subscriptions silently, and keeps no message", async () => {
      const [r1, r2, s] = [await relay.connect(), await relay.connect(), await relay.connect()]
      const queue = await createQueue(r1)
      await secureAsSender(s, queue)
      expect(await sendTo(s, queue, "1")).toEqual(OK)
      await receive(r1, queue)
      r1.close()
      expect(await sendTo(s, queue, "2")).toEqual(OK)
      const { first } = await subWithMessage(r2, queue)
      expect(first.text).toBe("1")
      expect(delivered(queue, await ack(r2, queue, first)).text).toBe("2")
    })

    test("who has subscribed hears nothing of a queue that it deletes itself", async () => {
      const r = await relay.connect()
      const queue = await createQueue(r)
      expect(await r.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
      const other = await createQueue(r)
      const r2 = await relay.connect()
      await sub(r2, other)
      // Both events would leave together.
      await expectEvent(r, other.ids.recipientId, { tag: "END" })
      await r.quiet()
    })
  })
})

async function take(recipient: RawClient, queue: TestQueue, text: string): Promise<void> {
  const received = await receive(recipient, queue)
  expect(received.text).toBe(text)
  expect(await ack(recipient, queue, received)).toEqual(OK)
}
