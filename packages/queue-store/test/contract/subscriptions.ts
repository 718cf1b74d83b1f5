import { describe, expect, it } from "vitest"
import type { Owner, QueueStore } from "../../src/queue-store.ts"
import { accepted, message, mid, QUOTA, queue, rid, serviceId } from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

/** Who is subscribed (smp.md §4.2), and what that means for ACK. */
export function subscriptionsContract(make: MakeStore): void {
  describe("subscriptions", () => {
    const store = freshStore(make)
    const subscribe = async (n: number, node = "a") =>
      accepted((await store().subscribe([{ recipientId: rid(n) }], node))[0])

    it("belong to the creator who asks for it", async () => {
      const created = await store().createQueue(queue(1), { subscriber: "a" })
      const owner = ownerOf(created)
      expect(owner.node).toBe("a")
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toMatchObject({ owner })
      expect(await store().createQueue(queue(2))).toEqual({ created: true })
      expect(await store().enqueue(rid(2), message(1), QUOTA)).not.toHaveProperty("owner")
    })

    it("move with a greater epoch, also to the same node, and tell the one before", async () => {
      const first = ownerOf(await store().createQueue(queue(1), { subscriber: "a" }))
      const second = await subscribe(1, "b")
      expect(second).toMatchObject({ previousOwner: first, owner: { node: "b" }, queue: queue(1) })
      expect(second.owner.epoch).toBeGreaterThan(first.epoch)
      const third = await subscribe(1, "b")
      expect(third.previousOwner).toEqual(second.owner)
      expect(third.owner.epoch).toBeGreaterThan(second.owner.epoch)
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toMatchObject({ owner: third.owner })
    })

    it("of a queue that was given up and taken again have a greater epoch too", async () => {
      await store().createQueue(queue(1))
      const first = await subscribe(1)
      await store().unsubscribe(rid(1), first.owner)
      const second = await subscribe(1)
      expect(second.previousOwner).toBeUndefined()
      expect(second.owner.epoch).toBeGreaterThan(first.owner.epoch)
    })

    it("give the first message", async () => {
      await store().createQueue(queue(1))
      expect((await subscribe(1)).head).toBeUndefined()
      await store().enqueue(rid(1), message(1), QUOTA)
      await store().enqueue(rid(1), message(2), QUOTA)
      for (let i = 0; i < 2; i++) expect((await subscribe(1)).head).toEqual(message(1))
    })

    it("of several queues are answered one by one", async () => {
      for (const n of [1, 2]) await store().createQueue(queue(n))
      await store().setStatus(rid(2), { tag: "blocked", info: { reason: "spam" } })
      await store().enqueue(rid(1), message(1), QUOTA)
      const [first, second, third, again] = await store().subscribe(
        [1, 2, 3, 1].map((n) => ({ recipientId: rid(n) })),
        "a",
      )
      expect(accepted(first).head).toEqual(message(1))
      expect(second).toEqual({ ok: false, refusal: "blocked", info: { reason: "spam" } })
      expect(third).toEqual({ ok: false, refusal: "no-queue" })
      expect(accepted(again).previousOwner).toEqual(accepted(first).owner)
      expect(await store().subscribe([], "a")).toEqual([])
    })

    it("end only by their own owner", async () => {
      await store().createQueue(queue(1))
      const first = await subscribe(1, "a")
      const second = await subscribe(1, "a")
      await store().unsubscribe(rid(1), first.owner)
      await store().unsubscribe(rid(1), { node: "b", epoch: second.owner.epoch })
      await store().unsubscribe(rid(9), second.owner)
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toMatchObject({ owner: second.owner })
      await store().unsubscribe(rid(1), second.owner)
      expect(await store().enqueue(rid(1), message(2), QUOTA)).not.toHaveProperty("owner")
    })

    it("decide who may acknowledge", async () => {
      await store().createQueue(queue(1))
      for (const n of [1, 2, 3]) await store().enqueue(rid(1), message(n), QUOTA)
      const first = await subscribe(1, "a")
      expect(await store().acknowledge(rid(1), mid(1), first.owner)).toMatchObject({ next: message(2) })
      const second = await subscribe(1, "b")
      expect(second.head).toEqual(message(2))
      expect(await store().acknowledge(rid(1), mid(2), first.owner)).toEqual({ result: "not-owner" })
      const forged = { node: "a", epoch: second.owner.epoch }
      expect(await store().acknowledge(rid(1), mid(2), forged)).toEqual({ result: "not-owner" })
      expect(await store().acknowledge(rid(1), mid(2), second.owner)).toMatchObject({ next: message(3) })
      expect(await store().acknowledge(rid(1), mid(3))).toMatchObject({ result: "acknowledged" })
      expect(await store().acknowledge(rid(1), mid(3), first.owner)).toEqual({ result: "not-owner" })
      expect(await store().acknowledge(rid(2), mid(3), first.owner)).toEqual({ result: "no-queue" })
    })

    it("change the association with a service, and tell the service before", async () => {
      await store().createQueue(queue(1))
      const as = async (service?: Uint8Array) => {
        const request = { recipientId: rid(1), ...(service !== undefined && { serviceId: service }) }
        const { queue: record, previousServiceId } = accepted((await store().subscribe([request], "a"))[0])
        return { now: record.rcvServiceId, previousServiceId }
      }
      expect(await as()).toEqual({})
      expect(await as(serviceId(1))).toEqual({ now: serviceId(1) })
      expect(await as(serviceId(1))).toEqual({ now: serviceId(1) })
      expect(await as(serviceId(2))).toEqual({ now: serviceId(2), previousServiceId: serviceId(1) })
      expect((await store().queueByRecipient(rid(1)))?.rcvServiceId).toEqual(serviceId(2))
      expect(await as()).toEqual({ previousServiceId: serviceId(2) })
      expect(await store().queueByRecipient(rid(1))).toEqual(queue(1))
    })
  })
}

function ownerOf(created: Awaited<ReturnType<QueueStore["createQueue"]>>): Owner {
  if (!created.created || created.owner === undefined) throw new Error("not created, or without owner")
  return created.owner
}
