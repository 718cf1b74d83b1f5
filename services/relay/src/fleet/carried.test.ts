import { setImmediate } from "node:timers/promises"
import type { CarriedMessage } from "@sluice/fleet/events"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { beforeEach, describe, expect, it, type Mock, vi } from "vitest"
import { message, queue } from "../../../../packages/queue-store/test/fixtures.ts"
import { type CoreFixture, connect, coreFixture, type FakeClient, subscribe } from "../../test/core-fixture.ts"
import { countFillings } from "../../test/counting-store.ts"
import { create } from "../commands/creation.ts"
import { ack } from "../commands/messages.ts"
import type { HintOutcome } from "../delivery.ts"

/** A message that a hint carries is pushed if it is what a reading would find, and in every other case the queue is read. */
const one = queue(1)
const { recipientId } = one
const corrId = new Uint8Array(24)
let core: CoreFixture
let fake: FakeClient
let peek: Mock<QueueStore["peek"]>
beforeEach(async () => {
  core = coreFixture(countFillings(createMemoryStore()))
  fake = connect(core.relay)
  peek = vi.spyOn(core.store, "peek")
  await core.store.createQueue(one)
  await subscribe(core.relay, fake.client, one)
})

const own = () => {
  const found = core.relay.delivery.subscriber(recipientId)
  if (found === undefined) throw new Error("there is no subscription")
  return found
}
const epoch = (): number => own().owner?.epoch ?? Number.NaN

/** Another node stores the message with this number: what its hint carries. */
async function storeElsewhere(n: number): Promise<CarriedMessage> {
  const { id, timestamp, notify, body } = message(n)
  const result = await core.store.enqueue(recipientId, message(n), { quota: 9 })
  if (result.result !== "stored" || result.filling === undefined) throw new Error("the queue was not empty")
  return { filling: result.filling, id, timestamp, notify, body }
}

const hint = (carried: CarriedMessage, of: number = epoch()): HintOutcome =>
  core.relay.delivery.storedElsewhere(recipientId, of, carried)

/** Timestamps of what the client was pushed, which tell the messages apart. */
const pushed = (): number[] =>
  fake.sent.map(({ message: sent }) => {
    if (sent.tag !== "DELIVER") throw new Error(`the client got ${sent.tag}`)
    return sent.message.timestamp - 1000
  })

async function acknowledge(n: number): Promise<string> {
  const command = { tag: "ACK", msgId: message(n).id } as const
  return (await ack(core.relay, fake.client, { corrId, entityId: recipientId, queue: one, command })).message.tag
}

/** The next ACK takes effect at once, and is answered later. */
function holdAcknowledgement(): PromiseWithResolvers<void> {
  const held = Promise.withResolvers<void>()
  const { acknowledge: run } = core.store
  vi.spyOn(core.store, "acknowledge").mockImplementationOnce(async (...args) => {
    const result = await run(...args)
    await held.promise
    return result
  })
  return held
}

describe("a carried message", () => {
  it("is pushed without a reading, whole and once, again and again", async () => {
    for (const n of [1, 2, 3]) {
      const carried = await storeElsewhere(n)
      expect(hint(carried)).toBe("pushed")
      expect(own().state).toBe("delivered")
      expect(fake.sent.at(-1)?.message).toMatchObject({ message: message(n) })
      expect(await acknowledge(n)).toBe("OK")
    }
    await setImmediate()
    expect(pushed()).toEqual([1, 2, 3])
    expect(peek).not.toHaveBeenCalled()
    expect(await core.store.messages(recipientId)).toEqual([])
  })

  it("is pushed to a subscription by NEW", async () => {
    const keys = core.relay.crypto.generateKeyPair("x25519")
    const recipientKey = core.relay.crypto.generateKeyPair("ed25519").publicKey
    const command = { tag: "NEW", recipientKey, dhKey: keys.publicKey, subscription: "subscribe" } as const
    const { message: answer } = await create(core.relay, fake.client, { corrId, entityId: new Uint8Array(0), command })
    if (answer.tag !== "IDS") throw new Error("no queue was made")
    const subscription = core.relay.delivery.subscriber(answer.recipientId)
    const { id, timestamp, notify, body } = message(1)
    const result = await core.store.enqueue(answer.recipientId, message(1), { quota: 9 })
    expect(result).toMatchObject({ wasEmpty: true, filling: 1 })
    const carried = { filling: 1, id, timestamp, notify, body }
    const of = subscription?.owner?.epoch ?? Number.NaN
    expect(core.relay.delivery.storedElsewhere(answer.recipientId, of, carried)).toBe("pushed")
    expect(peek).not.toHaveBeenCalled()
  })

  it("does not keep its payload alive until it is acknowledged", async () => {
    const carried = await storeElsewhere(1)
    const payload = new Uint8Array(16_384)
    payload.set(carried.id, 100)
    hint({ ...carried, id: payload.subarray(100, 124) })
    expect(own().deliveredId).toEqual(message(1).id)
    expect(own().deliveredId?.buffer).not.toBe(payload.buffer)
  })

  it("that is late does not come again, after it was read and acknowledged", async () => {
    const carried = await storeElsewhere(1)
    core.relay.delivery.lookAgain(own())
    await setImmediate()
    expect(pushed()).toEqual([1])
    expect(hint(carried)).toBe("read")
    expect(await acknowledge(1)).toBe("OK")
    expect(hint(carried)).toBe("read")
    await setImmediate()
    expect(pushed()).toEqual([1])
    expect(own().state).toBe("idle")
    expect(peek).toHaveBeenCalledTimes(2)
  })

  it("that is late finds the one that came after it", async () => {
    const first = await storeElsewhere(1)
    core.relay.delivery.lookAgain(own())
    await setImmediate()
    await acknowledge(1)
    await storeElsewhere(2)
    expect(hint(first)).toBe("read")
    await setImmediate()
    expect(pushed()).toEqual([1, 2])
  })

  it("that overtakes the answer to an ACK is read", async () => {
    const first = await storeElsewhere(1)
    hint(first)
    const answer = holdAcknowledgement()
    const answered = acknowledge(1)
    expect(own().state).toBe("reading")
    const second = await storeElsewhere(2)
    expect(hint(second)).toBe("read")
    answer.resolve()
    expect(await answered).toBe("OK")
    await setImmediate()
    expect(pushed()).toEqual([1, 2])
    expect(peek).toHaveBeenCalledTimes(1)
  })

  it("that is overtaken by the answer to an ACK, which brought it, does not come again", async () => {
    hint(await storeElsewhere(1))
    await core.store.enqueue(recipientId, message(2), { quota: 9 })
    expect(await acknowledge(1)).toBe("DELIVER")
    expect(await acknowledge(2)).toBe("OK")
    const third = await storeElsewhere(3)
    core.relay.delivery.lookAgain(own())
    await setImmediate()
    expect(hint(third)).toBe("read")
    expect(pushed()).toEqual([1, 3])
  })

  it("comes while the queue is read: it is read again", async () => {
    core.relay.delivery.lookAgain(own())
    const carried = await storeElsewhere(1)
    expect(hint(carried)).toBe("read")
    await setImmediate()
    expect(pushed()).toEqual([1])
  })

  it.each([
    ["that was skipped", 2],
    ["of before", 0],
    ["of long before, as after a store lost its latest changes", -3],
  ])("with a number %s makes the queue be read", async (_what, difference) => {
    for (const n of [1, 2, 3, 4]) {
      hint(await storeElsewhere(n))
      await acknowledge(n)
    }
    const carried = await storeElsewhere(5)
    expect(hint({ ...carried, id: message(9).id, filling: carried.filling - 1 + difference })).toBe("read")
    await setImmediate()
    expect(pushed()).toEqual([1, 2, 3, 4, 5])
    expect(peek).toHaveBeenCalledTimes(1)
  })

  it("is read where it is not known at which number the queue was empty", async () => {
    const carried = await storeElsewhere(1)
    own().emptyAt = undefined
    expect(hint(carried)).toBe("read")
    await setImmediate()
    expect(pushed()).toEqual([1])
  })

  it("of an earlier epoch is dropped, of a later one read", async () => {
    const former = epoch()
    await subscribe(core.relay, fake.client, one)
    const carried = await storeElsewhere(1)
    expect(hint(carried, former)).toBe("stale")
    await setImmediate()
    expect(pushed()).toEqual([])
    expect(hint(carried, epoch() + 1)).toBe("read")
    await setImmediate()
    expect(pushed()).toEqual([1])
  })

  it("for a client without room is left in the store", async () => {
    const { connection } = fake.client
    Object.assign(connection, { congested: true })
    const carried = await storeElsewhere(1)
    expect(hint(carried)).toBe("read")
    expect([own().state, pushed()]).toEqual(["waiting", []])
    expect(hint(carried)).toBe("read")
    Object.assign(connection, { congested: false })
    core.relay.delivery.drained(fake.client)
    await setImmediate()
    expect(pushed()).toEqual([1])
  })

  it("is nobody's when the subscription ended", async () => {
    const carried = await storeElsewhere(1)
    const of = epoch()
    core.relay.delivery.closed(fake.client)
    expect(hint(carried, of)).toBe("stale")
  })
})

describe("a SUB that follows an ACK before its answer", () => {
  it("decides whether the queue is empty, whatever comes in between", async () => {
    hint(await storeElsewhere(1))
    const acknowledged = acknowledge(1)
    const { subscription } = core.relay.delivery.register(fake.client, one)
    const [outcome] = await core.store.subscribe([{ recipientId }], core.relay.node)
    await acknowledged
    if (outcome?.ok !== true) throw new Error("the store refused the subscription")
    expect(subscription.state).toBe("reading")
    const carried = await storeElsewhere(2)
    expect(hint(carried, outcome.owner.epoch)).toBe("read")
    core.relay.delivery.owned(subscription, outcome.owner)
    expect(core.relay.delivery.settle(subscription, outcome)).toBeUndefined()
    await setImmediate()
    expect(pushed()).toEqual([1, 2])
    expect(await acknowledge(2)).toBe("OK")
  })

  it("does not take back what a reading pushed meanwhile", async () => {
    const held = Promise.withResolvers<void>()
    const { peek: run } = core.store
    peek.mockImplementationOnce(async (ids) => {
      await held.promise
      return run(ids)
    })
    core.relay.delivery.lookAgain(own())
    await setImmediate()
    const { subscription } = core.relay.delivery.register(fake.client, one)
    const [outcome] = await core.store.subscribe([{ recipientId }], core.relay.node)
    if (outcome?.ok !== true) throw new Error("the store refused the subscription")
    await storeElsewhere(1)
    held.resolve()
    await setImmediate()
    expect(pushed()).toEqual([1])
    core.relay.delivery.owned(subscription, outcome.owner)
    core.relay.delivery.settle(subscription, outcome)
    await setImmediate()
    expect(pushed()).toEqual([1])
    expect(await acknowledge(1)).toBe("OK")
  })
})
