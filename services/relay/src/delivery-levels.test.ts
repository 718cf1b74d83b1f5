import { describe, expect, it } from "vitest"
import { message, notifier, queue, rid } from "../../../packages/queue-store/test/fixtures.ts"
import { connect, coreFixture, subscribe } from "../test/core-fixture.ts"
import { DeliveryLevels, periodOf } from "./delivery-levels.ts"

const NEVER = new AbortController().signal

describe("periodOf", () => {
  it.each([
    [0, "0-60"],
    [59.9, "0-60"],
    [60, "60-300"],
    [300, "300-1200"],
    [1200, "1200-3600"],
    [3600, "3600+"],
    [1e9, "3600+"],
  ])("%f s is in %s", (seconds, period) => {
    expect(periodOf(seconds)).toBe(period)
  })
})

describe("DeliveryLevels", () => {
  it.each([1, 2, 10_000])("count what is not acknowledged, %i subscriptions at a time", async (slice) => {
    const { relay, store, clock } = coreFixture()
    const clients = Array.from({ length: 4 }, () => connect(relay).client)
    const [first, second, third, fourth] = clients
    if (!first || !second || !third || !fourth) throw new Error("four were made")
    const ages = [4000, 100, 30]
    for (const [index, age] of ages.entries()) {
      const n = index + 1
      await store.createQueue(queue(n))
      await store.enqueue(rid(n), message(n), { quota: 9 })
      await subscribe(relay, n === 2 ? second : first, queue(n))
      clock.advance((age - (ages[n] ?? 0)) * 1000)
    }
    await store.createQueue(queue(9))
    await subscribe(relay, third, queue(9))
    relay.notifications.subscribe(fourth, notifier(1).notifierId)

    const levels = new DeliveryLevels(relay, slice)
    expect(levels.now.delivered).toBe(0)
    await levels.look(NEVER)
    expect(levels.now).toEqual({
      delivered: 3,
      deliveredClients: 2,
      pending: { "0-60": 1, "60-300": 1, "300-1200": 0, "1200-3600": 0, "3600+": 1 },
      oldest: 4000,
      subscribedClients: 3,
      notifierClients: 1,
    })
  })

  it("give up when the relay stops", async () => {
    const { relay, store } = coreFixture()
    const { client } = connect(relay)
    for (const n of [1, 2]) {
      await store.createQueue(queue(n))
      await subscribe(relay, client, queue(n))
    }
    const levels = new DeliveryLevels(relay, 1)
    await expect(levels.look(AbortSignal.abort())).rejects.toThrow("abort")
    expect(levels.now.subscribedClients).toBe(0)
  })
})
