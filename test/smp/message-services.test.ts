import { equalBytes } from "@sluice/encoding/bytes"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { EntityId, ServiceCounters } from "@sluice/smp-protocol/types"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import {
  AUTH,
  cmd,
  createQueue,
  createQueues,
  hex,
  NO_MSG,
  newQueue,
  OK,
  SERVICE,
  type TestQueue,
} from "../support/queue.ts"
import type { RawClient, Received } from "../support/raw-client.ts"
import { TestRelay, TOPOLOGIES } from "../support/relay.ts"
import { connectService, countersAt, countersOf, selfSigned, type TestService } from "../support/services.ts"
import {
  ack,
  type Delivered,
  delivered,
  expectEvent,
  receive,
  secureAsSender,
  sendTo,
  sub,
  subWithMessage,
} from "../support/steps.ts"
import { versionsOn } from "../support/versions.ts"

/** smp.md §10.4 and §4.7: services that receive messages. */
describe.each(TOPOLOGIES)("on $name:", ({ on }) => {
  let relay: TestRelay
  beforeAll(async () => {
    relay = await TestRelay.start(on)
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  const sok = (serviceId?: EntityId): BrokerMessage => ({ tag: "SOK", serviceId })

  describe.each(versionsOn(on, 16))("§10.4 at version %i", (v) => {
    let service: TestService
    let s: RawClient
    const connect = (): Promise<RawClient> => connectService(relay, service, v)
    beforeEach(async () => {
      service = selfSigned("M")
      s = await relay.connect({ versions: v })
    })

    test("cases 35 to 40: a queue that the service made", async () => {
      let c = await connect()
      const { serviceId } = c
      expect(serviceId).toHaveLength(24)
      const creation = newQueue()
      const key = creation.keys.privateKey
      expect(await c.ask(creation.command, { key, serviceSigned: false })).toEqual(SERVICE)
      const queue = await createQueue(c)
      expect(hex(queue.ids.serviceId)).toBe(hex(serviceId))

      await secureAsSender(s, queue)
      expect([await sendTo(s, queue, "1"), await sendTo(s, queue, "2")]).toEqual([OK, OK])
      const first = await receive(c, queue)
      expect(first.text).toBe("1")
      expect(await c.ask({ tag: "ACK", msgId: first.id }, { ...queue.asRecipient, serviceSigned: true })).toEqual(
        SERVICE,
      )
      const second = delivered(queue, await ack(c, queue, first))
      expect(second.text).toBe("2")
      expect(await ack(c, queue, first)).toEqual(NO_MSG)
      expect(await ack(c, queue, second)).toEqual(OK)

      c.close()
      expect(await sendTo(s, queue, "3")).toEqual(OK)
      c = await connect()
      expect(hex(c.serviceId)).toBe(hex(serviceId))
      const expected = countersOf(queue.ids.recipientId)
      expect(await c.ask({ tag: "SUBS", expected })).toEqual(cmd("NO_AUTH"))
      const { counters, messages } = await subs(c, expected)
      expect(counters).toEqual(countersAt(c, expected))
      expect([...messages.keys()]).toEqual([hex(queue.ids.recipientId)])
      const third = delivered(queue, messages.get(hex(queue.ids.recipientId)) ?? OK)
      expect(third.text).toBe("3")
      expect(await ack(c, queue, third)).toEqual(OK)
      expect(await sendTo(s, queue, "4")).toEqual(OK)
      expect((await receive(c, queue)).text).toBe("4")
    })

    test("cases 41 to 46: queues that the service took over, and gave back", async () => {
      const r = await relay.connect({ versions: v })
      const queues = [await createQueue(r), await createQueue(r), await createQueue(r)] as const
      const [q1, q2, q3] = queues
      for (const queue of queues) await secureAsSender(s, queue)
      expect(await sendTo(s, q1, "1")).toEqual(OK)
      expect((await receive(r, q1)).text).toBe("1")

      let c = await connect()
      const { serviceId } = c
      expect(await c.ask({ tag: "SUB" }, { ...q1.asRecipient, serviceSigned: false })).toEqual(SERVICE)
      const taken = await subWithMessage(c, q1)
      expect([taken.answer, taken.first.text]).toEqual([sok(serviceId), "1"])
      expect(await sub(c, q2)).toEqual(sok(serviceId))
      expect((await relay.store.serviceTotals(serviceId, "messages"))?.count).toBe(2)
      await ends(r, q1, q2)
      expect(await sendTo(s, q2, "2")).toEqual(OK)
      const second = await receive(c, q2)
      expect(second.text).toBe("2")
      expect(await sub(c, q3)).toEqual(sok(serviceId))
      await ends(r, q3)

      // Nothing was acknowledged: both messages come again.
      c.close()
      c = await connect()
      const { counters, messages } = await subs(c, countersOf(...queues.map(({ ids }) => ids.recipientId)))
      expect(counters).toEqual(countersAt(c, countersOf(...queues.map(({ ids }) => ids.recipientId))))
      expect([...messages.keys()].sort()).toEqual([hex(q1.ids.recipientId), hex(q2.ids.recipientId)].sort())
      const first = delivered(q1, messages.get(hex(q1.ids.recipientId)) ?? OK)
      expect(await ack(c, q1, first)).toEqual(OK)

      expect(await r.ask({ tag: "SUBS", expected: counters }, { ...q1.asRecipient, entity: serviceId })).toEqual(
        SERVICE,
      )
      const back = await subWithMessage(r, q2)
      expect([back.answer, back.first.text]).toEqual([sok(), "2"])
      await expectEvent(c, q2.ids.recipientId, { tag: "END" })
      expect(await ack(r, q2, back.first)).toEqual(OK)
      expect(await sendTo(s, q2, "3")).toEqual(OK)
      expect((await receive(r, q2)).text).toBe("3")
      expect(await sendTo(s, q3, "4")).toEqual(OK)
      expect((await receive(c, q3)).text).toBe("4")
      expect((await relay.store.serviceTotals(serviceId, "messages"))?.count).toBe(2)
      const again = await subWithMessage(r, q3)
      expect([again.answer, again.first.text]).toEqual([sok(), "4"])
      await expectEvent(c, q3.ids.recipientId, { tag: "END" })
      expect((await relay.store.serviceTotals(serviceId, "messages"))?.count).toBe(1)
    })

    test("case 46: the total after SUBS of two queues, and of one more", async () => {
      let c = await connect()
      const [q1, q2] = [await createQueue(c), await createQueue(c)]
      c.close()
      c = await connect()
      const ids = [q1.ids.recipientId, q2.ids.recipientId]
      expect((await subs(c, countersOf(...ids))).counters).toEqual(countersAt(c, countersOf(...ids)))
      const r = await relay.connect({ versions: v })
      const q3 = await createQueue(r)
      expect(await sub(c, q3)).toEqual(sok(c.serviceId))
      await ends(r, q3)
      c.close()
      c = await connect()
      ids.push(q3.ids.recipientId)
      expect((await subs(c, countersOf())).counters).toEqual(countersAt(c, countersOf(...ids)))
    })

    test("SUBS again in the same connection delivers nothing again", async () => {
      const c = await connect()
      const queue = await createQueue(c)
      await secureAsSender(s, queue)
      const counters = countersOf(queue.ids.recipientId)
      const again = { entity: c.serviceId } as const
      expect((await subs(c, counters)).messages.size).toBe(0)
      expect(await sendTo(s, queue, "1")).toEqual(OK)
      const first = await receive(c, queue)
      expect(await c.ask({ tag: "SUBS", expected: counters }, again)).toEqual({
        tag: "SOKS",
        counters: countersAt(c, counters),
      })
      await c.quiet()
      expect(await ack(c, queue, first)).toEqual(OK)
    })

    test("another connection of the service takes over, and the first one does not get it back", async () => {
      const c1 = await connect()
      const queue = await createQueue(c1)
      await secureAsSender(s, queue)
      const counters = countersOf(queue.ids.recipientId)
      const c2 = await connect()
      await subs(c2, counters)
      const { entityId, message } = await c1.event()
      expect([hex(entityId), message.tag]).toEqual([hex(c1.serviceId), "ENDS"])
      expect(message).toMatchObject({ counters: countersAt(c1, counters) })
      expect(await sendTo(s, queue, "1")).toEqual(OK)
      const first = await receive(c2, queue)
      expect(await ack(c1, queue, first)).toEqual(NO_MSG)
      // The first SUBS of c1: it takes the subscription over in its turn.
      const taken = await subs(c1, counters)
      expect(taken.messages.size).toBe(1)
      expect(await c2.event()).toMatchObject({ message: { tag: "ENDS", counters: countersAt(c2, counters) } })
      // Another SUBS of c2 is no first one: none, and nothing is taken back.
      const none = { tag: "SOKS", counters: countersOf() }
      expect(await c2.ask({ tag: "SUBS", expected: counters }, { entity: c2.serviceId })).toEqual(none)
      expect(await ack(c1, queue, first)).toEqual(OK)
      expect(await sendTo(s, queue, "2")).toEqual(OK)
      expect((await receive(c1, queue)).text).toBe("2")
      await c2.quiet()
    })

    test("a queue deleted by another connection", async () => {
      const c = await connect()
      const [q1, q2] = [await createQueue(c), await createQueue(c)]
      const r = await relay.connect({ versions: v })
      expect(await r.ask({ tag: "DEL" }, q1.asRecipient)).toEqual(OK)
      await expectEvent(c, q1.ids.recipientId, { tag: "DELD" })
      const left = countersOf(q2.ids.recipientId)
      expect((await subs(c, countersOf())).counters).toEqual(countersAt(c, left))
      expect(await c.ask({ tag: "DEL" }, q2.asRecipient)).toEqual(OK)
      await c.quiet()
      expect(await relay.store.serviceTotals(c.serviceId, "messages")).toEqual({ count: 0, idsHash: countersOf().hash })
    })

    test("a queue that moves from service to service", async () => {
      const c = await connect()
      const other = await connectService(relay, selfSigned("M"), v)
      const queue = await createQueue(c)
      await secureAsSender(s, queue)
      expect(await sub(other, queue)).toEqual(sok(other.serviceId))
      await expectEvent(c, queue.ids.recipientId, { tag: "END" })
      expect(await sendTo(s, queue, "1")).toEqual(OK)
      expect((await receive(other, queue)).text).toBe("1")
      await c.quiet()
    })

    test("what a service of messages may not do", async () => {
      const c = await connect()
      const queue = await createQueue(c)
      const { command, keys } = newQueue({ subscription: "create-only" })
      expect(await c.ask(command, { key: keys.privateKey })).toEqual(cmd("PROHIBITED"))
      const expected = countersOf()
      expect(await c.ask({ tag: "NSUBS", expected }, { entity: c.serviceId })).toEqual(cmd("PROHIBITED"))
      expect(await c.ask({ tag: "RFWD", request: new Uint8Array(100) })).toEqual(cmd("PROHIBITED"))
      expect(await c.ask({ tag: "SUBS", expected }, { entity: queue.ids.recipientId })).toEqual(SERVICE)
      expect(await c.ask({ tag: "SUBS", expected }, { entity: c.serviceId, key: keys.privateKey })).toEqual(SERVICE)
      expect(await c.ask({ tag: "SUBS", expected }, { entity: c.serviceId, serviceSigned: true })).toEqual(SERVICE)
      expect(await c.ask({ tag: "SUB" }, { ...queue.asRecipient, entity: c.serviceId })).toEqual(AUTH)
      expect(await c.ask({ tag: "PING" })).toEqual({ tag: "PONG" })
      await secureAsSender(c, queue)
      expect(await s.ask({ tag: "SUB" }, { ...queue.asRecipient, serviceSigned: true })).toEqual(SERVICE)
    })

    test("many queues: one message of each, in blocks of their own, and ALLS behind them", async () => {
      let c = await connect()
      const queues = await createQueues(c, 150)
      c.close()
      for (const [i, queue] of queues.entries()) if (i % 3 === 0) expect(await sendTo(s, queue, `${i}`)).toEqual(OK)
      c = await connect()
      const { counters, messages } = await subs(c, countersOf())
      expect(counters).toEqual(countersAt(c, countersOf(...queues.map(({ ids }) => ids.recipientId))))
      expect(messages.size).toBe(50)
      for (const [i, queue] of queues.entries()) {
        const message = messages.get(hex(queue.ids.recipientId))
        expect(message && queue.text(message)).toBe(i % 3 === 0 ? `${i}` : undefined)
      }
      const [first] = queues
      if (first === undefined) throw new Error("no queues")
      const taken: Delivered = delivered(first, messages.get(hex(first.ids.recipientId)) ?? OK)
      expect(await ack(c, first, taken)).toEqual(OK)
    })
  })
})

/** `SUBS`, and everything up to `ALLS` and `SOKS`; messages by recipient id. */
async function subs(
  client: RawClient,
  expected: ServiceCounters,
): Promise<{ readonly counters: ServiceCounters; readonly messages: ReadonlyMap<string, BrokerMessage> }> {
  const { serviceId } = client
  client.send({ command: { tag: "SUBS", expected }, entity: serviceId })
  const messages = new Map<string, BrokerMessage>()
  let counters: ServiceCounters | undefined
  let all = false
  while (counters === undefined || !all) {
    const [item, ...rest] = (await client.block()) as [Received, ...Received[]]
    expect(rest).toEqual([])
    const { corrId, entityId, message } = item
    if (message.tag === "SOKS") {
      expect(equalBytes(entityId, serviceId)).toBe(true)
      ;({ counters } = message)
    } else if (message.tag === "ALLS") {
      expect([corrId.length, entityId.length]).toEqual([0, 0])
      all = true
    } else {
      expect([message.tag, corrId.length, all]).toEqual(["MSG", 0, false])
      messages.set(hex(entityId), message)
    }
  }
  await client.quiet()
  return { counters, messages }
}

/** The individual subscriptions of these queues end, in any order and grouping. */
async function ends(client: RawClient, ...queues: readonly TestQueue[]): Promise<void> {
  const ended: string[] = []
  while (ended.length < queues.length) {
    for (const { entityId, message } of await client.block()) {
      expect(message.tag).toBe("END")
      ended.push(hex(entityId))
    }
  }
  expect(ended.sort()).toEqual(queues.map(({ ids }) => hex(ids.recipientId)).sort())
}
