import { EMPTY, fromHex } from "@sluice/encoding/bytes"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { authKeys, cmd, createQueue, deld, hex, NO_MSG, OK, QUOTA, sok, type TestQueue } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay, TOPOLOGIES } from "../support/relay.ts"
import { ack, delivered, expectEvent, message, receive, secure, sendTo, sub, subWithMessage } from "../support/steps.ts"
import { versionsOn } from "../support/versions.ts"

/** smp.md §10.3; with it relay-internals.md §13, cases 1 to 7. */
describe.each(TOPOLOGIES)("on $name:", ({ on }) => {
  let relay: TestRelay
  let small: TestRelay
  beforeAll(async () => {
    relay = await TestRelay.start(on)
    small = await TestRelay.start({ ...on, settings: { "relay.message_quota": 2 } })
  })
  afterAll(async () => {
    await relay[Symbol.asyncDispose]()
    await small[Symbol.asyncDispose]()
  })

  describe.each(versionsOn(on))("§10.3 at version %i", (v) => {
    let r1: RawClient
    let r2: RawClient
    let s: RawClient
    beforeEach(async () => {
      r1 = await relay.connect({ versions: v })
      r2 = await relay.connect({ versions: v })
      s = await relay.connect({ versions: v })
    })

    test("case 20: duplex, each side with a queue of its own", async () => {
      const [alice, bob] = [r1, r2]
      const toAlice = await createQueue(alice)
      const aliceKeys = authKeys()
      const bobKeys = authKeys()
      // Bob's first message, unsigned, carries his key; Alice secures her queue with it, then the same in return.
      expect(await sendTo(bob, toAlice, "key of Bob")).toEqual(OK)
      await take(alice, toAlice, "key of Bob")
      expect(await secure(alice, toAlice, bobKeys)).toEqual(OK)
      const toBob = await createQueue(bob)
      expect(await sendTo(bob, toAlice, "queue of Bob")).toEqual(OK)
      await take(alice, toAlice, "queue of Bob")
      expect(await sendTo(alice, toBob, "key of Alice")).toEqual(OK)
      await take(bob, toBob, "key of Alice")
      expect(await secure(bob, toBob, aliceKeys)).toEqual(OK)
      for (const text of ["hello", "how are you"]) {
        expect(await sendTo(bob, toAlice, text)).toEqual(OK)
        await take(alice, toAlice, text)
        expect(await sendTo(alice, toBob, `${text} too`)).toEqual(OK)
        await take(bob, toBob, `${text} too`)
      }
    })

    test("cases 21 to 24: a subscription moves", async () => {
      const queue = await createQueue(r1)
      await secure(r1, queue)
      expect(await sendTo(s, queue, "first")).toEqual(OK)
      expect(await sendTo(s, queue, "second")).toEqual(OK)
      const first = await receive(r1, queue)
      expect(first.text).toBe("first")
      const second = delivered(queue, await ack(r1, queue, first))
      expect(second.text).toBe("second")

      const moved = await subWithMessage(r2, queue)
      expect(moved).toMatchObject({ answer: sok(r2), first: { text: "second" } })
      expect(hex(moved.first.id)).toBe(hex(second.id))
      await expectEvent(r1, queue.ids.recipientId, { tag: "END" })
      expect(await ack(r2, queue, moved.first)).toEqual(OK)

      expect(await sendTo(s, queue, "third")).toEqual(OK)
      const third = await receive(r2, queue)
      expect(third.text).toBe("third")
      expect(await ack(r1, queue, third)).toEqual(NO_MSG)
      expect(await ack(r2, queue, third)).toEqual(OK)

      expect(await r1.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
      await expectEvent(r2, queue.ids.recipientId, deld(r2))
      await r1.quiet()
      await r2.quiet()
    })

    test("case 25: GET of what a connection that is closed did not receive", async () => {
      const queue = await createQueue(r1)
      await secure(r1, queue)
      r1.close()
      expect(await sendTo(s, queue, "hello")).toEqual(OK)
      const got = delivered(queue, await r2.ask({ tag: "GET" }, queue.asRecipient))
      expect(got.text).toBe("hello")
      expect(await ack(r2, queue, got)).toEqual(OK)
      expect(await r2.ask({ tag: "GET" }, queue.asRecipient)).toEqual(OK)
    })

    test("cases 26 to 31: one connection is subscribed, another one uses GET", async () => {
      const get = (): ReturnType<RawClient["ask"]> => r2.ask({ tag: "GET" }, queue.asRecipient)
      const queue = await createQueue(r1)
      await secure(r1, queue)
      for (const text of ["1", "2", "3", "4"]) expect(await sendTo(s, queue, text)).toEqual(OK)
      const { message: pushed } = await r1.event()
      const got = await get()
      if (pushed.tag !== "MSG" || got.tag !== "MSG") throw new Error("no message")
      expect(hex(got.msgId)).toBe(hex(pushed.msgId))
      expect(Buffer.compare(got.body, pushed.body)).toBe(0)
      const first = delivered(queue, pushed)
      expect(first.text).toBe("1")

      expect(await r1.ask({ tag: "GET" }, queue.asRecipient)).toEqual(cmd("PROHIBITED"))
      expect(await sub(r2, queue)).toEqual(cmd("PROHIBITED"))

      const second = delivered(queue, await ack(r1, queue, first))
      expect(second.text).toBe("2")
      expect(await ack(r2, queue, { id: fromHex("0123456789abcdef") })).toEqual(NO_MSG)
      expect(await ack(r2, queue, first)).toEqual(OK)
      const again = delivered(queue, await get())
      expect([again.text, hex(again.id)]).toEqual(["2", hex(second.id)])
      expect(await ack(r2, queue, again)).toEqual(OK)
      expect(delivered(queue, await get()).text).toBe("3")

      const third = delivered(queue, await ack(r1, queue, second))
      expect(third.text).toBe("3")
      const fourth = delivered(queue, await ack(r1, queue, third))
      expect(fourth.text).toBe("4")
      expect(await ack(r1, queue, fourth)).toEqual(OK)
      expect(await get()).toEqual(OK)
    })

    test("cases 32 and 33: quota 2", async () => {
      const r = await small.connect({ versions: v })
      const sender = await small.connect({ versions: v })
      const queue = await createQueue(r)
      await secure(r, queue)
      const send = (text: string): ReturnType<typeof sendTo> => sendTo(sender, queue, text)
      expect([await send("1"), await send("2"), await send("3")]).toEqual([OK, OK, QUOTA])
      const first = await receive(r, queue)
      expect(first.text).toBe("1")
      const second = delivered(queue, await ack(r, queue, first))
      expect(second.text).toBe("2")
      expect(await send("4")).toEqual(QUOTA)
      const marker = delivered(queue, await ack(r, queue, second))
      expect(marker.text).toBe("(quota)")
      expect(await send("5")).toEqual(QUOTA)
      expect(await ack(r, queue, marker)).toEqual(OK)
      expect(await send("6")).toEqual(OK)
      await take(r, queue, "6")
    })

    test("case 34: two senders at the same time", async () => {
      const rounds = v === 20 ? 50 : 10
      const queue = await createQueue(r1)
      await secure(r1, queue)
      for (let round = 0; round < rounds; round++) {
        const [a, b] = [`a${round}`, `b${round}`]
        const answers = await Promise.all([sendTo(s, queue, a), sendTo(r2, queue, b)])
        expect(answers).toEqual([OK, OK])
        const first = await receive(r1, queue)
        const second = delivered(queue, await ack(r1, queue, first))
        expect([first.text, second.text].sort()).toEqual([a, b])
        expect(await ack(r1, queue, second)).toEqual(OK)
      }
      await r1.quiet()
    })

    test("ACK with an empty id matches what was delivered, and removes nothing", async () => {
      const queue = await createQueue(r1)
      expect(await r1.ask({ tag: "ACK", msgId: EMPTY }, queue.asRecipient)).toEqual(NO_MSG)
      expect(await sendTo(s, queue, "hello")).toEqual(OK)
      const first = await receive(r1, queue)
      const again = delivered(queue, await ack(r1, queue, { id: EMPTY }))
      expect([again.text, hex(again.id)]).toEqual(["hello", hex(first.id)])
      expect(await ack(r1, queue, again)).toEqual(OK)
    })

    test("ACK without a subscription", async () => {
      const queue = await createQueue(r1)
      expect(await sendTo(s, queue, "hello")).toEqual(OK)
      const received = await receive(r1, queue)
      expect(await ack(r2, queue, received)).toEqual(NO_MSG)
      expect(await ack(r2, queue, { id: EMPTY })).toEqual(NO_MSG)
      expect(await ack(r1, queue, received)).toEqual(OK)
    })

    test("SUB again in the same connection sends the unacknowledged message again", async () => {
      const queue = await createQueue(r1)
      expect(await sub(r1, queue)).toEqual(sok(r1))
      expect(await sendTo(s, queue, "hello")).toEqual(OK)
      const first = await receive(r1, queue)
      for (let i = 0; i < 2; i++) {
        const again = await subWithMessage(r1, queue)
        expect([again.answer, again.first.text, hex(again.first.id)]).toEqual([sok(r1), "hello", hex(first.id)])
      }
      expect(await ack(r1, queue, first)).toEqual(OK)
      expect(await sub(r1, queue)).toEqual(sok(r1))
      await r1.quiet()
    })

    test("GET again returns the same message; another connection may GET it, too", async () => {
      const queue = await createQueue(s, { subscription: "create-only" })
      expect(await sendTo(s, queue, "hello")).toEqual(OK)
      const texts = []
      for (const client of [r1, r1, r2]) {
        texts.push(delivered(queue, await client.ask({ tag: "GET" }, queue.asRecipient)).text)
      }
      expect(texts).toEqual(["hello", "hello", "hello"])
    })

    test("a get-only connection does not receive", async () => {
      const queue = await createQueue(s, { subscription: "create-only" })
      expect(await r1.ask({ tag: "GET" }, queue.asRecipient)).toEqual(OK)
      expect(await sendTo(s, queue, "hello")).toEqual(OK)
      await r1.quiet()
    })

    test("QUE tells of this connection's subscription", async () => {
      const queue = await createQueue(r1)
      const info = async (client: RawClient): Promise<unknown> => client.ask({ tag: "QUE" }, queue.asRecipient)
      expect(await info(r1)).toMatchObject({ tag: "INFO", secured: false, hasNotifier: false, size: 0 })
      expect(await info(r1)).toMatchObject({ subscription: { thread: "noSub" } })
      expect(await info(r2)).toMatchObject({ subscription: undefined })
      await secure(r1, queue)
      expect(await sendTo(s, queue, "1")).toEqual(OK)
      const { id } = await receive(r1, queue)
      const first = { type: "message", msgId: id }
      expect(await info(r1)).toMatchObject({ secured: true, size: 1, first, subscription: { delivered: id } })
      await r2.ask({ tag: "GET" }, queue.asRecipient)
      expect(await info(r2)).toMatchObject({ subscription: { thread: "prohibitSub", delivered: id } })
      for (const text of ["2", "3", "4", "5"]) await sendTo(s, queue, text)
      expect(await info(r1)).toMatchObject({ size: 5 })
    })
  })

  test("flag and server time reach the recipient", async () => {
    const [r, s] = [await small.connect(), await small.connect()]
    const queue = await createQueue(r)
    for (const notify of [true, false]) expect(await s.ask(message("m", notify), queue.asSender)).toEqual(OK)
    expect(await s.ask(message("m", true), queue.asSender)).toEqual(QUOTA)
    const { message: event } = await r.event()
    const content = queue.open(event)
    const next = queue.open(await ack(r, queue, content))
    expect([content, next]).toMatchObject([{ notify: true }, { notify: false }])
    const age = Date.now() / 1000 - content.timestamp
    expect(Math.abs(age)).toBeLessThan(60)
  })
})

async function take(recipient: RawClient, queue: TestQueue, text: string): Promise<void> {
  const received = await receive(recipient, queue)
  expect(received.text).toBe(text)
  expect(await ack(recipient, queue, received)).toEqual(OK)
}
