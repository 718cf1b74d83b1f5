import type { ServiceCounters } from "@sluice/smp-protocol/types"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { AUTH, authKeys, createQueue, deld, hex, OK, SERVICE, sok, type TestQueue } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay, TOPOLOGIES } from "../support/relay.ts"
import { countersAt, countersOf, withIssuer } from "../support/services.ts"
import {
  ack,
  addNotifier,
  type Delivered,
  expectEvent,
  nsub,
  receive,
  secure,
  sendTo,
  sub,
  subWithMessage,
} from "../support/steps.ts"
import { versionsOn } from "../support/versions.ts"

/** smp.md §10.7 and §4.6. */
describe.each(TOPOLOGIES)("on $name:", ({ on }) => {
  let relay: TestRelay
  beforeAll(async () => {
    relay = await TestRelay.start(on)
  })
  afterAll(() => relay[Symbol.asyncDispose]())

  describe.each(versionsOn(on))("§10.7 at version %i", (v) => {
    let r: RawClient
    let s: RawClient
    let n1: RawClient
    let n2: RawClient
    beforeEach(async () => {
      r = await relay.connect({ versions: v })
      s = await relay.connect({ versions: v })
      n1 = await relay.connect({ versions: v })
      n2 = await relay.connect({ versions: v })
    })

    test("cases 52 to 57: a notifier, from its creation to its replacement", async () => {
      const queue = await createQueue(r)
      await secure(r, queue)
      const keys = authKeys()
      const replaced = await addNotifier(r, queue, keys)
      const notifier = await addNotifier(r, queue, keys)
      expect(notifier.notifierId).toHaveLength(24)
      expect(hex(notifier.notifierId)).not.toBe(hex(replaced.notifierId))
      expect(await n1.ask({ tag: "NSUB" }, replaced.asNotifier)).toEqual(AUTH)
      expect(await n1.ask({ tag: "NSUB" }, { ...queue.asNotifier, key: authKeys().privateKey })).toEqual(AUTH)
      if (v >= 16) expect(await n1.ask({ tag: "NSUB" }, { ...queue.asNotifier, serviceSigned: true })).toEqual(SERVICE)

      expect(await nsub(n1, queue)).toEqual(sok(n1))
      expect(await nsub(n1, queue)).toEqual(sok(n1))
      await notify(s, r, queue, n1)

      expect(await nsub(n2, queue)).toEqual(sok(n2))
      await expectEvent(n1, notifier.notifierId, { tag: "END" })
      await notify(s, r, queue, n2)
      await n1.quiet()

      expect(await r.ask({ tag: "NDEL" }, queue.asRecipient)).toEqual(OK)
      await expectEvent(n2, notifier.notifierId, deld(n2))
      expect(await r.ask({ tag: "NDEL" }, queue.asRecipient)).toEqual(OK)
      expect(await nsub(n1, queue)).toEqual(AUTH)
      // Another queue's notification of the same round comes, this one's doesn't.
      const other = await createQueue(r)
      await addNotifier(r, other)
      expect(await nsub(n2, other)).toEqual(sok(n2))
      expect(await sendTo(s, queue, "not notified", true)).toEqual(OK)
      const quiet = await receive(r, queue)
      expect(await ack(r, queue, quiet)).toEqual(OK)
      await notify(s, r, other, n2)

      await addNotifier(r, queue, authKeys())
      expect(await nsub(n1, queue)).toEqual(sok(n1))
      await notify(s, r, queue, n1)
      await n2.quiet()
    })

    test("only messages with the flag are notified, and acknowledged ones too", async () => {
      const queue = await createQueue(r)
      const { notifierId } = await addNotifier(r, queue)
      const received: Delivered[] = []
      for (const [text, flag] of [
        ["1", true],
        ["2", false],
        ["3", true],
      ] as const) {
        expect(await sendTo(s, queue, text, flag)).toEqual(OK)
        const message = await receive(r, queue)
        if (flag) received.push(message)
        expect(await ack(r, queue, message)).toEqual(OK)
      }
      // Nobody was subscribed: they waited, and come together, oldest first.
      expect(await nsub(n1, queue)).toEqual(sok(n1))
      const block = await n1.block()
      expect(block.map(({ entityId, corrId }) => [hex(entityId), corrId.length])).toEqual(
        received.map(() => [hex(notifierId), 0]),
      )
      const ids = block.map(({ message }) => hex(queue.notifier?.open(message).msgId))
      expect(ids).toEqual(received.map(({ id }) => hex(id)))
      await n1.quiet()
    })

    test("a quota marker is not notified", async () => {
      const queue = await createQueue(r)
      await addNotifier(r, queue)
      for (let i = 0; i < 6; i++) await sendTo(s, queue, `${i}`, true)
      expect(await nsub(n1, queue)).toEqual(sok(n1))
      expect(await n1.block()).toHaveLength(4)
    })

    test("a deleted queue ends the notifier's subscription", async () => {
      const queue = await createQueue(r)
      const { notifierId } = await addNotifier(r, queue)
      expect(await nsub(n1, queue)).toEqual(sok(n1))
      expect(await r.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
      await expectEvent(n1, notifierId, deld(n1))
      expect(await nsub(n1, queue)).toEqual(AUTH)
    })

    test("a replaced notifier ends its subscription", async () => {
      const queue = await createQueue(r)
      const { notifierId } = await addNotifier(r, queue)
      expect(await nsub(n1, queue)).toEqual(sok(n1))
      await addNotifier(r, queue)
      await expectEvent(n1, notifierId, deld(n1))
    })

    if (v >= 17) {
      test("a notifier that was made with the queue", async () => {
        const queue = await createQueue(r, { notifier: true })
        expect(await nsub(n1, queue)).toEqual(sok(n1))
        await notify(s, r, queue, n1)
      })
    }

    if (v >= 16) {
      test("cases 58 to 61: a notification service", async () => {
        const service = withIssuer("N")
        const c1 = await relay.connect({ versions: v, service })
        const { serviceId } = c1
        const queue = await createQueue(r)
        await secure(r, queue)
        const first = await addNotifier(r, queue)
        expect(await c1.ask({ tag: "NSUB" }, { ...queue.asNotifier, serviceSigned: false })).toEqual(SERVICE)
        expect(await nsub(c1, queue)).toEqual(sok(c1, serviceId))
        expect(await nsub(c1, queue)).toEqual(sok(c1, serviceId))
        await notify(s, r, queue, c1)

        const c2 = await relay.connect({ versions: v, service })
        expect(hex(c2.serviceId)).toBe(hex(serviceId))
        expect(await nsub(c2, queue)).toEqual(sok(c2, serviceId))
        await expectEnds(c1, serviceId, countersOf(first.notifierId))
        await notify(s, r, queue, c2)
        await c1.quiet()

        expect(await r.ask({ tag: "NDEL" }, queue.asRecipient)).toEqual(OK)
        await expectEvent(c2, first.notifierId, deld(c2))
        const second = await addNotifier(r, queue)
        expect(hex(second.notifierId)).not.toBe(hex(first.notifierId))
        expect(await nsub(c2, queue)).toEqual(sok(c2, serviceId))
        await notify(s, r, queue, c2)
      })

      test("case 62: a service takes all its notifiers to another connection", async () => {
        const service = withIssuer("N")
        const [c1, c2] = [await relay.connect({ versions: v, service }), await relay.connect({ versions: v, service })]
        const { serviceId } = c1
        const queues = [await createQueue(r), await createQueue(r)]
        for (const queue of queues) {
          await addNotifier(r, queue)
          expect(await nsub(c2, queue)).toEqual(sok(c2, serviceId))
        }
        const all = countersOf(...queues.map(({ notifier }) => notifier?.notifierId ?? serviceId))
        expect(await nsubs(c1, all)).toEqual(soksOf(c1, all))
        await expectEnds(c2, serviceId, all)
        for (const queue of queues) await notify(s, r, queue, c1)
        // Again in the same connection: what it has now.
        expect(await nsubs(c1, all)).toEqual(soksOf(c1, all))
        expect(await nsubs(c2, all)).toEqual(soksOf(c2, all))
        await expectEnds(c1, serviceId, all)
      })

      test("a notifier moves between a client and services", async () => {
        const [a, b] = [
          await relay.connect({ versions: v, service: withIssuer("N") }),
          await relay.connect({ versions: v, service: withIssuer("N") }),
        ]
        const queue = await createQueue(r)
        const { notifierId } = await addNotifier(r, queue)
        expect(await nsub(n1, queue)).toEqual(sok(n1))
        let previous = n1
        for (const next of [a, b, n2, a]) {
          const serviceId = next === n2 ? undefined : next.serviceId
          expect(await nsub(next, queue)).toEqual(sok(next, serviceId))
          await expectEvent(previous, notifierId, { tag: "END" })
          await notify(s, r, queue, next)
          previous = next
        }
        for (const [client, count] of [
          [a, 1],
          [b, 0],
        ] as const) {
          expect((await relay.store.serviceTotals(client.serviceId, "notifications"))?.count).toBe(count)
        }
      })

      test("case 63: the association survives restarts, a subscription to messages is its own affair", async () => {
        await using restarted = await TestRelay.start(on)
        const service = withIssuer("N")
        let [rcv, snd] = [await restarted.connect({ versions: v }), await restarted.connect({ versions: v })]
        let ntf = await restarted.connect({ versions: v, service })
        const queue = await createQueue(rcv)
        await secure(rcv, queue)
        const { notifierId } = await addNotifier(rcv, queue)
        expect(await nsub(ntf, queue)).toEqual(sok(ntf, ntf.serviceId))
        await notify(snd, rcv, queue, ntf)
        for (let i = 0; i < 2; i++) {
          const { serviceId } = ntf
          await restarted.stop()
          await restarted.start()
          ;[rcv, snd] = [await restarted.connect({ versions: v }), await restarted.connect({ versions: v })]
          ntf = await restarted.connect({ versions: v, service })
          expect(hex(ntf.serviceId)).toBe(hex(serviceId))
          const one = countersOf(notifierId)
          expect(await nsubs(ntf, one)).toEqual(soksOf(ntf, one))
          expect(await sub(rcv, queue)).toEqual(sok(rcv))
          await notify(snd, rcv, queue, ntf)
        }
      })
    }
  })

  test("pending notifications survive a restart", async () => {
    await using restarted = await TestRelay.start(on)
    const r = await restarted.connect()
    const queue = await createQueue(r)
    await addNotifier(r, queue)
    expect(await sendTo(await restarted.connect(), queue, "1", true)).toEqual(OK)
    await restarted.stop()
    await restarted.start()
    const n = await restarted.connect()
    expect(await nsub(n, queue)).toEqual(sok(n))
    const { message } = await n.event()
    const again = await restarted.connect()
    const { first } = await subWithMessage(again, queue)
    expect(hex(queue.notifier?.open(message).msgId)).toBe(hex(first.id))
  })

  test("80 notifications fill a block, and more than one goes out in a round", async () => {
    await using large = await TestRelay.start({ ...on, settings: { "relay.message_quota": 500 } })
    const [r, s, n] = [await large.connect(), await large.connect(), await large.connect()]
    const queue = await createQueue(r)
    await addNotifier(r, queue)
    const count = 300
    for (let i = 0; i < count; i++) expect(await sendTo(s, queue, `${i}`, true)).toEqual(OK)
    expect(await nsub(n, queue)).toEqual(sok(n))
    const ids: string[] = []
    const sizes: number[] = []
    while (ids.length < count) {
      const block = await n.block()
      sizes.push(block.length)
      for (const { message } of block) ids.push(hex(queue.notifier?.open(message).msgId))
    }
    expect(Math.max(...sizes)).toBe(80)
    expect(new Set(ids).size).toBe(count)
    await n.quiet()
  })
})

function nsubs(client: RawClient, expected: ServiceCounters): ReturnType<RawClient["ask"]> {
  return client.ask({ tag: "NSUBS", expected }, { entity: client.serviceId })
}

function soksOf(client: RawClient, counters: ServiceCounters): unknown {
  return { tag: "SOKS", counters: countersAt(client, counters) }
}

async function expectEnds(client: RawClient, serviceId: Uint8Array, counters: ServiceCounters): Promise<void> {
  const { entityId, message } = await client.event()
  expect(hex(entityId)).toBe(hex(serviceId))
  expect(message).toEqual({ tag: "ENDS", counters: countersAt(client, counters) })
}

/** Sends a message with the flag: it reaches the recipient, and its notification alone the notifier's subscriber. */
async function notify(s: RawClient, r: RawClient, queue: TestQueue, n: RawClient): Promise<void> {
  expect(await sendTo(s, queue, "notified", true)).toEqual(OK)
  const received = await receive(r, queue)
  const { entityId, message } = await n.event()
  expect(hex(entityId)).toBe(hex(queue.notifier?.notifierId))
  expect(hex(queue.notifier?.open(message).msgId)).toBe(hex(received.id))
  expect(await ack(r, queue, received)).toEqual(OK)
}
