import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { createQueue, sok } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { drain, expectEvent, receive, secureAsSender, store, sub, take } from "../support/steps.ts"

const PER_SENDER = 150

/** A client keeps one subscription through one node while its senders use others. */
describe("one subscription through one node, senders on the others", () => {
  let fleet: TestRelay
  beforeAll(async () => {
    fleet = await TestRelay.start({ nodes: 3, store: "memory", settings: { "relay.message_quota": 1000 } })
  })
  afterAll(() => fleet[Symbol.asyncDispose]())

  test("everything comes once and in order, and END when it subscribes through another", async () => {
    const r = await fleet.connectTo(0)
    const senders = [await fleet.connectTo(1), await fleet.connectTo(2), await fleet.connectTo(0)]
    const queue = await createQueue(r)
    for (const s of senders) await secureAsSender(s, queue, queue.senderKeys)

    const send = async (s: RawClient, from: number): Promise<void> => {
      for (let n = 0; n < PER_SENDER; n++) await store(s, queue, `${from} ${n}`)
    }
    const texts: string[] = []
    const receiveAll = async (): Promise<void> => {
      const total = PER_SENDER * senders.length
      while (texts.length < total) {
        texts.push(...(await drain(r, queue, await receive(r, queue))))
      }
    }
    await Promise.all([receiveAll(), ...senders.map(send)])
    expect(new Set(texts).size).toBe(texts.length)
    for (const from of senders.keys()) {
      const own = texts.filter((text) => text.startsWith(`${from} `))
      expect(own).toEqual(Array.from({ length: PER_SENDER }, (_, n) => `${from} ${n}`))
    }

    const r2 = await fleet.connectTo(1)
    expect(await sub(r2, queue)).toEqual(sok(r2))
    await expectEvent(r, queue.ids.recipientId, { tag: "END" })
    for (const [index, s] of senders.entries()) {
      await store(s, queue, `after ${index}`)
      await take(r2, queue, `after ${index}`)
    }
    await r.quiet()
  })

  test("a subscription that goes around all nodes ends behind itself, and is told everything once", async () => {
    const s = await fleet.connectTo(2)
    let r = await fleet.connectTo(0)
    const queue = await createQueue(r)
    await secureAsSender(s, queue)
    for (let round = 1; round <= 12; round++) {
      const next = await fleet.connectTo(round % 3)
      expect(await sub(next, queue)).toEqual(sok(next))
      await store(s, queue, `${round}`)
      await take(next, queue, `${round}`)
      await expectEvent(r, queue.ids.recipientId, { tag: "END" })
      await r.quiet()
      r = next
    }
  })
})
