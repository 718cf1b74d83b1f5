import { encodeBase64Url } from "@sluice/encoding/base64url"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { createQueue, NO_MSG, OK, sok, type TestQueue } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
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
  sub,
  subWithMessage,
  take,
} from "../support/steps.ts"

/** What nodes that share an address do when they can't hear each other (docs/cluster.md): nothing stored is forgotten. */
let fleet: TestRelay
let r: RawClient
let s: RawClient
let queue: TestQueue
beforeEach(async () => {
  fleet = await TestRelay.start({ nodes: 3, store: "memory" })
  r = await fleet.connectTo(0)
  s = await fleet.connectTo(1)
  queue = await createQueue(r)
  await secureAsSender(s, queue)
})
afterEach(() => fleet[Symbol.asyncDispose]())

const name = (index: number): string => fleet.node(index).name

/** While a node is cut off, "1" is stored in the queue, and its recipient does not hear of it. */
async function storeUnheard(cut: number, recipient: RawClient, to: TestQueue): Promise<void> {
  fleet.hub.cut(name(cut))
  await store(s, to, "1")
  await recipient.quiet()
}

describe("a node whose channel was cut", () => {
  test("delivers what was stored meanwhile when it is heard again", async () => {
    await storeUnheard(0, r, queue)
    fleet.hub.heal(name(0))
    await take(r, queue, "1")
    await r.quiet()
  })

  test("finds out which subscriptions moved, and tells END", async () => {
    await store(s, queue, "1")
    const first = await receive(r, queue)
    fleet.hub.cut(name(0))
    const r2 = await fleet.connectTo(2)
    const { first: again } = await subWithMessage(r2, queue)
    expect(again.text).toBe("1")
    expect(await ack(r2, queue, again)).toEqual(OK)
    await store(s, queue, "2")
    await take(r2, queue, "2")
    await r.quiet()
    fleet.hub.heal(name(0))
    await expectEvent(r, queue.ids.recipientId, { tag: "END" })
    expect(await ack(r, queue, first)).toEqual(NO_MSG)
    await r.quiet()
  })

  test("finds out which queues were deleted, and tells DELD", async () => {
    fleet.hub.cut(name(0))
    const other = await fleet.connectTo(1)
    expect(await other.ask({ tag: "DEL" }, queue.asRecipient)).toEqual(OK)
    fleet.hub.heal(name(0))
    await expectEvent(r, queue.ids.recipientId, { tag: "DELD" })
  })

  test("makes the others look for what it could not tell them", async () => {
    await storeUnheard(1, r, queue)
    fleet.hub.heal(name(1))
    await take(r, queue, "1")
  })

  test("ends notifications that another node took over", async () => {
    const [n1, n2] = [await fleet.connectTo(0), await fleet.connectTo(2)]
    const { notifierId } = await addNotifier(r, queue)
    expect(await nsub(n1, queue)).toEqual(sok(n1))
    fleet.hub.cut(name(0))
    expect(await nsub(n2, queue)).toEqual(sok(n2))
    fleet.hub.heal(name(0))
    await expectEvent(n1, notifierId, { tag: "END" })
    await store(s, queue, "1", true)
    expect((await n2.event()).message.tag).toBe("NMSG")
    await n1.quiet()
  })

  test("tells of notifications when it is heard again", async () => {
    const n = await fleet.connectTo(0)
    await addNotifier(r, queue)
    expect(await nsub(n, queue)).toEqual(sok(n))
    fleet.hub.cut(name(0))
    await store(s, queue, "1", true)
    await n.quiet()
    fleet.hub.heal(name(0))
    expect((await n.event()).message.tag).toBe("NMSG")
  })
})

describe("a node that dies", () => {
  test("makes the others look for what it did not tell them", async () => {
    await storeUnheard(1, r, queue)
    fleet.hub.kill(name(1))
    await take(r, queue, "1")
  })

  test("leaves its subscriptions to who comes first", async () => {
    await store(s, queue, "1")
    await receive(r, queue)
    fleet.hub.kill(name(0))
    const r2 = await fleet.connectTo(1)
    const { first } = await subWithMessage(r2, queue)
    expect(first.text).toBe("1")
    await store(s, queue, "2")
    const answer = await ack(r2, queue, first)
    expect(delivered(queue, answer).text).toBe("2")
  })
})

describe("a node that stood still for longer than its lease", () => {
  test("ends what others took over, keeps the rest, and believes nothing that waited for it", async () => {
    const kept = await createQueue(r)
    await secureAsSender(s, kept)
    await store(s, queue, "1")
    const first = await receive(r, queue)
    fleet.hub.pause(name(0))
    await store(s, kept, "for r")
    const r2 = await fleet.connectTo(2)
    const { first: again } = await subWithMessage(r2, queue)
    expect(again.text).toBe("1")
    // It goes on and does not know yet: the store does.
    expect(await ack(r, queue, first)).toEqual(NO_MSG)
    await expectEvent(r, queue.ids.recipientId, { tag: "END" })
    fleet.hub.resume(name(0))
    await take(r, kept, "for r")
    expect(await ack(r2, queue, again)).toEqual(OK)
    await store(s, queue, "2")
    await take(r2, queue, "2")
    await r.quiet()
  })

  test("tells END by itself", async () => {
    fleet.hub.pause(name(0))
    const r2 = await fleet.connectTo(2)
    expect(await sub(r2, queue)).toEqual(sok(r2))
    fleet.hub.resume(name(0))
    await expectEvent(r, queue.ids.recipientId, { tag: "END" })
    await store(s, queue, "1")
    await take(r2, queue, "1")
    await r.quiet()
  })

  test("is not ready meanwhile, and then is", async () => {
    const { port } = fleet.node(0).relay.adminAddress
    const ready = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/readyz`)).status
    expect(await ready()).toBe(200)
    fleet.hub.pause(name(0))
    expect(await ready()).toBe(503)
    fleet.hub.resume(name(0))
    await expect.poll(ready, { timeout: 10_000 }).toBe(200)
  })
})

describe("a service", () => {
  let c1: RawClient
  let owned: TestQueue
  const service = selfSigned("M")
  beforeEach(async () => {
    c1 = await fleet.connectTo(0, { service })
    owned = await createQueue(c1)
    await secureAsSender(s, owned)
  })

  async function subscribed(node: number): Promise<RawClient> {
    const client = await fleet.connectTo(node, { service })
    client.send({ command: { tag: "SUBS", expected: countersOf(owned.ids.recipientId) }, entity: client.serviceId })
    for (let tag = ""; tag !== "ALLS"; ) tag = (await client.block())[0]?.message.tag ?? ""
    return client
  }

  test("gets what was stored while its node was cut off", async () => {
    await storeUnheard(0, c1, owned)
    fleet.hub.heal(name(0))
    await take(c1, owned, "1")
    await store(s, owned, "2")
    await take(c1, owned, "2")
  })

  test("hears ENDS when it moved while its node was cut off, and what it held goes where it is", async () => {
    const local = await fleet.connectTo(0)
    fleet.hub.cut(name(0))
    const c2 = await subscribed(2)
    // Its node does not know yet, and pushes to a connection that is not the service's any more.
    await store(local, owned, "1")
    expect((await receive(c1, owned)).text).toBe("1")
    fleet.hub.heal(name(0))
    const { entityId, message } = await c1.event()
    expect([entityId, message.tag]).toEqual([c1.serviceId, "ENDS"])
    await take(c2, owned, "1")
    await store(s, owned, "2")
    await take(c2, owned, "2")
    await c1.quiet()
  })

  test("is found again by who did not know where it went", async () => {
    fleet.hub.cut(name(1))
    const c2 = await subscribed(2)
    fleet.hub.heal(name(1))
    expect((await c1.event()).message.tag).toBe("ENDS")
    await store(s, owned, "1")
    await take(c2, owned, "1")
    c2.close()
    const c3 = await subscribed(1)
    await store(s, owned, "2")
    await take(c3, owned, "2")
  })

  test("gets what waited when the node of its sender died", async () => {
    await storeUnheard(1, c1, owned)
    fleet.hub.kill(name(1))
    await take(c1, owned, "1")
  })
})

test("who is subscribed on another node hears that an operator blocked the queue", async () => {
  const token = "0123456789abcdef0123456789abcdef"
  await using blocking = await TestRelay.start({ nodes: 2, store: "memory", settings: { "admin.token": token } })
  const recipient = await blocking.connectTo(0)
  const { ids } = await createQueue(recipient)
  const { port } = blocking.node(1).relay.adminAddress
  const answer = await fetch(`http://127.0.0.1:${port}/admin/queue/block`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ queue: encodeBase64Url(ids.senderId), reason: "spam" }),
  })
  expect(answer.status).toBe(200)
  const { entityId, message } = await recipient.event()
  expect(entityId).toEqual(ids.recipientId)
  expect(message).toEqual({ tag: "ERR", error: { type: "BLOCKED", reason: "spam" } })
})
