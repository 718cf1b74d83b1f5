import { nativeCrypto } from "@sluice/crypto/native"
import { toHex, utf8 } from "@sluice/encoding/bytes"
import { SmpClient } from "@sluice/smp-client/client"
import { connect } from "@sluice/smp-client/connect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { eventually, type NotifiedQueue, TestDevice, TestNotifications } from "../support/notifications.ts"
import { TestRelay } from "../support/relay.ts"

let relay: TestRelay
let ntf: TestNotifications
let client: SmpClient
let device: TestDevice

const notified = () => device.notified(client, relay.address)
const statusOf = (id: Uint8Array) => device.subscription(id)
const send = ({ queue }: NotifiedQueue) => client.sendMessage(queue, utf8("x"), { notify: true })
const idsOf = (push: Parameters<TestDevice["list"]>[0]) => device.list(push).map(({ queue }) => toHex(queue.notifierId))

beforeEach(async () => {
  relay = await TestRelay.start()
  ntf = await TestNotifications.start()
  client = new SmpClient(relay.address)
  device = await TestDevice.verified(await ntf.connect(), ntf.push)
})

afterEach(async () => {
  await client.close()
  await ntf[Symbol.asyncDispose]()
  await relay[Symbol.asyncDispose]()
})

it("S15: a push has the last notifications of 6 queues, the newest last", async () => {
  const all: NotifiedQueue[] = []
  for (let i = 0; i < 7; i++) all.push(await notified())
  let last: string[] = []
  for (const one of all) {
    await send(one)
    last = idsOf(await ntf.push.next())
  }
  expect(last).toEqual(all.slice(1).map(({ notifier }) => toHex(notifier.notifierId)))
})

it("S16: END and DELD end a subscription, and only those of the present connection", async () => {
  const [ended, deleted, kept] = [await notified(), await notified(), await notified()]
  const other = await connect(relay.address)
  await other.subscribeNotifier(ended.notifier)
  await eventually(async () => (await statusOf(ended.subscriptionId)) === "END")
  await client.disableNotifications(deleted.queue)
  await eventually(async () => (await statusOf(deleted.subscriptionId)) === "DELETED")
  await other.close()

  // Neither is subscribed again after a restart of the relay; the third is.
  await relay.restart()
  await eventually(() => ntf.server.relays.states.up === 1)
  expect(await statusOf(ended.subscriptionId)).toBe("END")
  expect(await statusOf(deleted.subscriptionId)).toBe("DELETED")
  await send(ended)
  await send(kept)
  expect(idsOf(await ntf.push.next())).toEqual([toHex(kept.notifier.notifierId)])
})

it("a queue that is not there, and a key that is not its own, are not authorized", async () => {
  const { notifier } = await notified()
  const { notifierKey } = notifier
  const notifierId = nativeCrypto.randomBytes(24)
  const asked = { queue: { server: relay.address, notifierId }, notifierKey }
  const id = await device.connection.subscribe(device.access, asked)
  await eventually(async () => (await statusOf(id)) === "AUTH")
})

describe("the service at a relay", () => {
  it("takes over what was subscribed one by one, and survives restarts of both sides", async () => {
    const all = [await notified(), await notified()]
    const relayId = (await ntf.store.relays({ limit: 2 })).items[0]?.relayId ?? utf8("")
    const record = () => ntf.store.relay(relayId)
    expect(await record()).toMatchObject({ counters: { count: 2n }, total: 2 })
    const before = await record()
    expect(before?.serviceId).toBeDefined()

    await ntf.stop()
    await ntf.start()
    device = device.on(await ntf.connect())
    await eventually(() => ntf.server.relays.states.up === 1)
    expect(ntf.server.relays.subscriptions.active).toBe(0)
    expect((await record())?.serviceId).toEqual(before?.serviceId)
    expect((await record())?.counters).toEqual(before?.counters)
    for (const one of all) {
      await send(one)
      expect(idsOf(await ntf.push.next())).toContain(toHex(one.notifier.notifierId))
    }
  })

  it("is given up and taken up again without losing a queue", async () => {
    const all = [await notified(), await notified()]
    const first = (await ntf.store.relays({ limit: 2 })).items[0]
    for (const service of [false, true]) {
      await ntf.stop()
      await ntf.start({ "notifications.service": service })
      device = device.on(await ntf.connect())
      await eventually(() => ntf.server.relays.states.up === 1)
      expect(ntf.server.relays.subscriptions.active).toBe(2)
      const [now] = (await ntf.store.relays({ limit: 2 })).items
      expect(now?.counters.count).toBe(service ? 2n : 0n)
      expect(now?.serviceId === undefined).toBe(!service)
      for (const one of all) {
        await send(one)
        await ntf.push.next()
      }
    }
    const [last] = (await ntf.store.relays({ limit: 2 })).items
    expect(last?.credentials?.fingerprint).not.toEqual(first?.credentials?.fingerprint)
  })

  it("says that the relay counts others, and that somebody took it over, and does nothing about it", async () => {
    const [kept, given] = [await notified(), await notified()]
    await eventually(async () => (await ntf.store.relays({ limit: 1 })).items[0]?.counters.count === 2n)
    // The relay is not told, so it has one more.
    await device.connection.deleteSubscription(given.subscriptionId, device.access.key)
    await ntf.stop()
    await ntf.start()
    device = device.on(await ntf.connect())
    await eventually(() => ntf.server.relays.states.up === 1)
    const warned = (message: string) => ntf.log.entries.some((entry) => entry.message === message)
    expect(warned("a relay counts other subscriptions of our service")).toBe(true)
    expect(ntf.server.relays.subscriptions.active).toBe(0)
    await send(kept)
    expect(idsOf(await ntf.push.next())).toEqual([toHex(kept.notifier.notifierId)])

    const [record] = (await ntf.store.relays({ limit: 1 })).items
    if (record?.credentials === undefined) throw new Error("no service")
    const other = await connect(relay.address, { service: { role: "N", credentials: record.credentials } })
    await other.subscribeNotifierService(record.counters)
    await eventually(() => warned("another connection subscribed for our service"))
    expect(await statusOf(kept.subscriptionId)).toBe("ACTIVE")
    expect(ntf.server.relays.states.up).toBe(1)
    await other.close()
  })

  it("that the relay does not know any more is made again, queue by queue", async () => {
    await notified()
    const [known] = (await ntf.store.relays({ limit: 2 })).items
    const relayId = known?.relayId ?? utf8("")
    await ntf.stop()
    const { store } = await reopened()
    await store.setService(relayId, nativeCrypto.randomBytes(24))
    await store.close()
    await ntf.start()
    device = device.on(await ntf.connect())
    await eventually(() => ntf.server.relays.states.up === 1)
    const now = await ntf.store.relay(relayId)
    expect(now?.serviceId).toEqual(known?.serviceId)
    expect(now?.counters).toEqual(known?.counters)
  })
})

it("leaves a relay that nobody is interested in any more", async () => {
  const { subscriptionId } = await notified()
  await device.connection.deleteSubscription(subscriptionId, device.access.key)
  await eventually(() => ntf.server.relays.states.up === 0)
  await notified()
})

it("what is stored and not pushed when it stops is pushed by the next", async () => {
  const one = await notified()
  ntf.push.answerNext("silence")
  await send(one)
  await ntf.push.next()
  await ntf.stop(100)
  await ntf.start()
  device = device.on(await ntf.connect())
  expect(idsOf(await ntf.push.next())).toEqual([toHex(one.notifier.notifierId)])
  await eventually(async () => (await ntf.store.counts()).pushes === 0)
  expect(ntf.push.pending).toBe(0)
})

async function reopened() {
  const { openEmbeddedStore } = await import("@sluice/notifications/store/table-store")
  return { store: await openEmbeddedStore({ folder: `${ntf.folder}/notifications-store` }) }
}
