import { setTimeout as delay } from "node:timers/promises"
import { equalBytes, utf8 } from "@sluice/encoding/bytes"
import { StoreError } from "@sluice/notifications/store/store-error"
import type { SubscriptionStatus } from "@sluice/ntf-protocol/status"
import { expect, it } from "vitest"
import { ShiftedClock } from "../agent/shifted-clock.ts"
import { connect, type Pair, TestAgent } from "../agent/test-agent.ts"
import { Device } from "../support/device.ts"
import { eventually, TestNotifications } from "../support/notifications.ts"
import { TestRelay } from "../support/relay.ts"

/* notifications-client.md §7, N26 to N28: what this project does better. */

const WEEK = 7 * 86_400_000

it("N26: of 6 queues in a push, those that are news, and the last", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await TestAgent.open("alice", {
    ...{ servers: [relay], store: "lmdb", notifications: { servers: [ntf.address] } },
  })
  await using bob = await TestAgent.open("bob", { servers: [relay] })
  const pairs: Pair[] = []
  for (let i = 0; i < 6; i++) pairs.push(await connect(alice, bob))
  const device = new Device(alice, "abcd")
  await device.activate(ntf, "instant")
  await device.listening(
    ntf,
    pairs.map(({ a }) => a),
  )
  // Alice gets the first four, and then hears of all six from her pushes only.
  for (const { a, b } of pairs.slice(0, 4)) {
    await bob.say(b, "hello")
    await alice.text(a)
    await device.notified(ntf, a)
  }
  await alice.agent.suspend()
  await using extension = await TestAgent.open("extension", {
    ...{ servers: [relay], store: "lmdb", notifications: { servers: [ntf.address] } },
  })
  await extension.cloneFrom(alice)
  // Relays tell whole seconds: what comes within the second of a queue's last message is not news.
  await delay(1000 - (Date.now() % 1000))
  await bob.say(pairs[4]?.b ?? utf8(""), "news")
  await device.message(ntf)
  await bob.say(pairs[5]?.b ?? utf8(""), "news")
  const { push } = await device.message(ntf)
  const news = await extension.agent.notifications.read(push)
  expect(news.map(({ connectionId }) => pairs.findIndex(({ a }) => equalBytes(a, connectionId)))).toEqual([4, 5])

  // The last one stays, also when it was seen: the push has to show something.
  for (const one of news) expect(await extension.agent.notifications.fetch(one)).toBe(1)
  const seen = await extension.agent.notifications.read(push)
  expect(seen.map(({ connectionId }) => pairs.findIndex(({ a }) => equalBytes(a, connectionId)))).toEqual([5])
})

const WORDS: readonly SubscriptionStatus[] = [
  { type: "END" },
  { type: "DELETED" },
  { type: "AUTH" },
  { type: "SERVICE" },
  { type: "ERR", text: "something" },
]

it.each<SubscriptionStatus | "unknown">([...WORDS, "unknown"])(
  "N27: a subscription that does not work is made anew (%j)",
  { timeout: 30_000 },
  async (status) => {
    const clock = new ShiftedClock()
    await using relay = await TestRelay.start()
    await using ntf = await TestNotifications.start()
    await using alice = await TestAgent.open("alice", {
      ...{ servers: [relay], clock, notifications: { servers: [ntf.address] } },
    })
    await using bob = await TestAgent.open("bob", { servers: [relay] })
    const { a, b } = await connect(alice, bob)
    const device = new Device(alice, "abcd")
    await device.activate(ntf, "instant")
    await device.listening(ntf, [a])
    const created = alice.agent.notifications.subscription(a)
    const { notifierId, subscriptionId } = created ?? {}
    if (notifierId === undefined || subscriptionId === undefined) throw new Error("no subscription")
    const [at] = (await ntf.store.relays({ limit: 1 })).items
    if (at === undefined) throw new Error("the notification server knows no relay")
    if (status === "unknown") await ntf.store.deleteSubscription(subscriptionId)
    else await ntf.store.updateSubscriptions(at.relayId, [{ notifierId, status }])

    clock.skip(WEEK)
    alice.agent.retryNow()
    await eventually(() => alice.agent.notifications.subscription(a)?.notifierId !== notifierId)
    await device.listening(ntf, [a])
    await bob.say(b, "hello")
    expect(await alice.text(a)).toBe("hello")
    await device.notified(ntf, a)
    expect(alice.events.filter(({ type }) => type === "error")).toEqual([])
  },
)

it("N28: a notification server whose store fails for now is asked again", { timeout: 30_000 }, async () => {
  await using relay = await TestRelay.start()
  await using ntf = await TestNotifications.start()
  await using alice = await TestAgent.open("alice", { servers: [relay], notifications: { servers: [ntf.address] } })
  await using bob = await TestAgent.open("bob", { servers: [relay] })
  const { a, b } = await connect(alice, bob)
  const device = new Device(alice, "abcd")
  const { store } = ntf
  const create = store.createSubscription.bind(store)
  const asked: number[] = []
  store.createSubscription = (...call) => {
    asked.push(performance.now())
    return asked.length === 1 ? Promise.reject(new StoreError("UNAVAILABLE", "createSubscription")) : create(...call)
  }
  await device.activate(ntf, "instant")
  await device.listening(ntf, [a])
  expect(asked).toHaveLength(2)
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(1990)
  expect(alice.events.filter(({ type }) => type === "error")).toEqual([])
  await bob.say(b, "hello")
  expect(await alice.text(a)).toBe("hello")
  await device.notified(ntf, a)
})
