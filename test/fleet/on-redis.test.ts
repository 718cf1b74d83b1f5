import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import { startRedis, type TestRedis } from "../../packages/redis/test/start-redis.ts"
import { createQueue, NO_MSG, OK, sok } from "../support/queue.ts"
import { TestRelay } from "../support/relay.ts"
import { countersOf, selfSigned } from "../support/services.ts"
import {
  ack,
  addNotifier,
  delivered,
  expectEvent,
  nsub,
  receive,
  secureAsSender,
  store,
  subWithMessage,
  take,
} from "../support/steps.ts"

/** Three relays that share a Redis: store, leases and channels are real, and so is what goes wrong with them. */
describe("three nodes on Redis", () => {
  let redis: TestRedis
  let fleet: TestRelay
  beforeAll(async () => {
    redis = await startRedis()
    const settings = {
      "redis.nodes": [`127.0.0.1:${redis.port}`],
      "redis.durability": "memory",
      "fleet.lease": "600ms",
    }
    fleet = await TestRelay.start({ nodes: 3, store: "redis", settings })
  })
  afterAll(async () => {
    await fleet[Symbol.asyncDispose]()
    await redis[Symbol.asyncDispose]()
  })

  test("messages, END and DELD go from node to node", async () => {
    const [r1, r2, s] = [await fleet.connectTo(0), await fleet.connectTo(1), await fleet.connectTo(2)]
    const queue = await createQueue(r1)
    await secureAsSender(s, queue)
    for (const text of ["1", "2"]) await store(s, queue, text)
    const first = await receive(r1, queue)
    const second = delivered(queue, await ack(r1, queue, first))
    expect([first.text, second.text]).toEqual(["1", "2"])
    const { first: again } = await subWithMessage(r2, queue)
    expect(again.text).toBe("2")
    await expectEvent(r1, queue.ids.recipientId, { tag: "END" })
    expect(await ack(r1, queue, second)).toEqual(NO_MSG)
    expect(await ack(r2, queue, again)).toEqual(OK)
    expect(await r1.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
    await expectEvent(r2, queue.ids.recipientId, { tag: "DELD" })
  })

  test("notifications go from node to node, and END when their subscriber moves", async () => {
    const [r, s] = [await fleet.connectTo(0), await fleet.connectTo(1)]
    const [n1, n2] = [await fleet.connectTo(2), await fleet.connectTo(0)]
    const queue = await createQueue(r)
    await secureAsSender(s, queue)
    const { notifierId } = await addNotifier(r, queue)
    expect(await nsub(n1, queue)).toEqual(sok(n1))
    await store(s, queue, "1", true)
    expect((await n1.event()).message.tag).toBe("NMSG")
    expect(await nsub(n2, queue)).toEqual(sok(n2))
    await expectEvent(n1, notifierId, { tag: "END" })
    await store(s, queue, "2", true)
    expect((await n2.event()).message.tag).toBe("NMSG")
    await n1.quiet()
  })

  test("services receive wherever they are, and ENDS when they move", async () => {
    const messages = selfSigned("M")
    const s = await fleet.connectTo(2)
    const c1 = await fleet.connectTo(0, { service: messages })
    const queue = await createQueue(c1)
    await secureAsSender(s, queue)
    await store(s, queue, "1")
    await take(c1, queue, "1")
    const c2 = await fleet.connectTo(1, { service: messages })
    const counters = countersOf(queue.ids.recipientId)
    const { serviceId } = c2
    c2.send({ command: { tag: "SUBS", expected: counters }, entity: serviceId })
    const tags = [...(await c2.block()), ...(await c2.block())].map(({ message }) => message.tag)
    expect(tags.toSorted()).toEqual(["ALLS", "SOKS"])
    await expectEvent(c1, serviceId, { tag: "ENDS", counters })
    await store(s, queue, "2")
    expect((await receive(c2, queue)).text).toBe("2")
    await c1.quiet()
  })

  test("what was stored while the channels were cut is delivered when they are there again", async () => {
    const [r, s] = [await fleet.connectTo(0), await fleet.connectTo(1)]
    const queue = await createQueue(r)
    await secureAsSender(s, queue)
    for (let round = 0; round < 5; round++) {
      await redis.command("CLIENT", "KILL", "TYPE", "pubsub")
      await store(s, queue, `${round}`)
      await take(r, queue, `${round}`)
    }
    await r.quiet()
  })

  test("Redis that was away longer than a lease ends no subscription", async () => {
    const [r, s] = [await fleet.connectTo(0), await fleet.connectTo(1)]
    const queue = await createQueue(r)
    await secureAsSender(s, queue)
    const lost = async (): Promise<number> => {
      const { port } = fleet.node(0).relay.adminAddress
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return Number(/^sluice_fleet_(?:leases_lost|interruptions)_total (\d+)$/m.exec(text)?.[1] ?? 0)
    }
    const before = await lost()
    redis.pause()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    redis.resume()
    await vi.waitFor(async () => expect(await lost()).toBeGreaterThan(before), 10_000)
    await vi.waitFor(async () => await store(s, queue, "1"), 10_000)
    await take(r, queue, "1")
  })

  test("a node that stops tells the others, which look for nothing", async () => {
    const text = async (): Promise<string> => {
      const { port } = fleet.node(0).relay.adminAddress
      return (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    }
    const repeeked = (metrics: string): string | undefined => /^sluice_fleet_repeeked_total (\d+)$/m.exec(metrics)?.[1]
    expect(await text()).toMatch(/^sluice_fleet_nodes 3$/m)
    const before = repeeked(await text())
    await fleet.node(2).relay.stop(AbortSignal.timeout(5000))
    await vi.waitFor(async () => expect(await text()).toMatch(/^sluice_fleet_nodes 2$/m), 5000)
    expect(repeeked(await text())).toBe(before)
  })
})
