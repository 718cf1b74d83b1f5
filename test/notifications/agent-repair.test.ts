import { setTimeout as delay } from "node:timers/promises"
import { equalBytes, utf8 } from "@sluice/encoding/bytes"
import { StoreError } from "@sluice/notifications/store/store-error"
import type { SubscriptionStatus } from "@sluice/ntf-protocol/status"
import { expect, it } from "vitest"
import { ShiftedClock } from "../agent/shifted-clock.ts"
import type { Pair } from "../agent/test-agent.ts"
import { eventually } from "../support/notifications.ts"
import { NotifiedAgents } from "../support/notified-agents.ts"

/* notifications-client.md §7, N26 to N28: what this project does better. */

const WEEK = 7 * 86_400_000

it("N26: of 6 queues in a push, those that are news, and the last", { timeout: 30_000 }, async () => {
  await using all = await NotifiedAgents.start()
  const { alice, bob, device } = all
  const pairs: Pair[] = []
  for (let i = 0; i < 6; i++) pairs.push(await all.connect())
  await device.activate("instant")
  await all.listening(...pairs)
  // Alice gets the first four, and then hears of all six from her pushes only.
  for (const pair of pairs.slice(0, 4)) await all.pushed(pair, "hello")
  await alice.agent.suspend()
  const extension = await all.agent("extension")
  await extension.cloneFrom(alice)
  // Relays tell whole seconds: what comes within the second of a queue's last message is not news.
  await delay(1000 - (Date.now() % 1000))
  await bob.say(pairs[4]?.b ?? utf8(""), "news")
  await device.message()
  await bob.say(pairs[5]?.b ?? utf8(""), "news")
  const { push } = await device.message()
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
    await using all = await NotifiedAgents.start({ alice: { clock } })
    const { alice, ntf } = all
    const pair = await all.notified()
    const { a } = pair
    // Whatever the relay was asked for this subscription, it has answered before.
    await all.pushed(pair, "hello")
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
    await all.listening(pair)
    await all.pushed(pair, "hello again")
    all.expectNoErrors()
  },
)

it("N28: a notification server whose store fails for now is asked again", { timeout: 30_000 }, async () => {
  await using all = await NotifiedAgents.start()
  const { store } = all.ntf
  const create = store.createSubscription.bind(store)
  const asked: number[] = []
  store.createSubscription = (...call) => {
    asked.push(performance.now())
    return asked.length === 1 ? Promise.reject(new StoreError("UNAVAILABLE", "createSubscription")) : create(...call)
  }
  const pair = await all.notified()
  expect(asked).toHaveLength(2)
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(1990)
  all.expectNoErrors()
  await all.pushed(pair, "hello")
})
