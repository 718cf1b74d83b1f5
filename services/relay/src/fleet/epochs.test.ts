import { setImmediate } from "node:timers/promises"
import { beforeEach, describe, expect, it, vi } from "vitest"
import { message, queue } from "../../../../packages/queue-store/test/fixtures.ts"
import { type CoreFixture, connect, coreFixture, type FakeClient, subscribe } from "../../test/core-fixture.ts"

/** Hints and the answers of the store overtake each other; epochs tell what comes after what (docs/cluster.md). */
const one = queue(1)
const { recipientId } = one
let core: CoreFixture
let client: FakeClient
beforeEach(async () => {
  core = coreFixture()
  client = connect(core.relay)
  await core.store.createQueue(one)
})

const epochNow = (): number => core.relay.delivery.subscriber(recipientId)?.owner?.epoch ?? Number.NaN

/** What the client was told, with the ENDs that wait. */
function told(): string[] {
  core.relay.events.flush()
  return client.sent.map(({ message: sent }) => sent.tag)
}

describe("a subscription that moved to another node", () => {
  it("ends, and ends once", async () => {
    await subscribe(core.relay, client.client, one)
    const epoch = epochNow()
    const { delivery } = core.relay
    expect([delivery.movedElsewhere(recipientId, epoch), delivery.movedElsewhere(recipientId, epoch)]).toEqual([
      true,
      false,
    ])
    expect(told()).toEqual(["END"])
  })

  it("is not the one that was taken back since", async () => {
    await subscribe(core.relay, client.client, one)
    const former = epochNow()
    await subscribe(core.relay, client.client, one)
    expect(core.relay.delivery.movedElsewhere(recipientId, former)).toBe(false)
    expect(told()).toEqual([])
  })

  it("may be the one that a SUB under way is getting", () => {
    const { delivery } = core.relay
    const { subscription } = delivery.register(client.client, one)
    expect(delivery.movedElsewhere(recipientId, 1000)).toBe(true)
    expect(told()).toEqual([])
    delivery.owned(subscription, { node: "node", epoch: 1000 })
    expect(subscription.ended).toBe(true)
    expect(told()).toEqual(["END"])
  })

  it("is not the one that a SUB under way is getting, when that is later", () => {
    const { delivery } = core.relay
    const { subscription } = delivery.register(client.client, one)
    delivery.movedElsewhere(recipientId, 1000)
    delivery.owned(subscription, { node: "node", epoch: 1001 })
    expect(subscription.ended).toBe(false)
    expect(told()).toEqual([])
  })
})

describe("a message that another node stored", () => {
  it("is read and pushed", async () => {
    await subscribe(core.relay, client.client, one)
    await core.store.enqueue(recipientId, message(1), { quota: 9 })
    expect(core.relay.delivery.storedElsewhere(recipientId, epochNow())).toBe("read")
    await setImmediate()
    expect(told()).toEqual(["DELIVER"])
    expect(core.relay.delivery.storedElsewhere(recipientId, epochNow())).toBe("read")
    await setImmediate()
    expect(told()).toEqual(["DELIVER"])
  })

  it("is not looked for by an earlier epoch: the SUB since has seen it", async () => {
    await subscribe(core.relay, client.client, one)
    const former = epochNow()
    await subscribe(core.relay, client.client, one)
    const peek = vi.spyOn(core.store, "peek")
    expect(core.relay.delivery.storedElsewhere(recipientId, former)).toBe("stale")
    expect(core.relay.delivery.storedElsewhere(queue(2).recipientId, 1)).toBe("stale")
    await setImmediate()
    expect(peek).not.toHaveBeenCalled()
  })

  it("while the queue is read makes it be read again", async () => {
    const { delivery } = core.relay
    const { subscription } = delivery.register(client.client, one)
    expect(delivery.storedElsewhere(recipientId, 7)).toBe("read")
    await core.store.enqueue(recipientId, message(1), { quota: 9 })
    delivery.owned(subscription, { node: "node", epoch: 7 })
    expect(delivery.settle(subscription, {})).toBeUndefined()
    await setImmediate()
    expect(told()).toEqual(["DELIVER"])
  })
})

describe("a connection that was closed while its SUB was under way", () => {
  it("gives up what the store then gave it", async () => {
    const { delivery } = core.relay
    const { subscription } = delivery.register(client.client, one)
    const [outcome] = await core.store.subscribe([{ recipientId }], "node")
    delivery.closed(client.client)
    if (outcome?.ok !== true) throw new Error("the store refused the subscription")
    delivery.owned(subscription, outcome.owner)
    await setImmediate()
    const stored = await core.store.enqueue(recipientId, message(1), { quota: 9 })
    expect(stored).toMatchObject({ result: "stored" })
    expect(stored).not.toHaveProperty("owner")
  })
})
