import { describe, expect, it } from "vitest"
import type { QueueStore } from "../../src/queue-store.ts"
import { accepted, message, mid, notification, notifier, QUOTA, queue, rid, serviceId } from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

const stored = { result: "stored", notified: false, expired: 0 } as const
const acknowledged = { result: "acknowledged" } as const
const marker = (n: number) => ({ kind: "quota", id: mid(n), timestamp: 1000 + n }) as const
const removed = (n: number, kind: "message" | "quota" = "message") => ({ kind, timestamp: 1000 + n, notify: false })

/** Sending, reading, acknowledging, quota and expiry (smp.md §2.6, §4.4, §5). */
export function messagesContract(make: MakeStore): void {
  describe("messages", () => {
    const store = freshStore(make)
    const send = async (n: number, options = QUOTA) => unnumbered(await store().enqueue(rid(1), message(n), options))
    const ack = async (n: number) => unnumbered(await store().acknowledge(rid(1), mid(n)))

    it("stores messages in order and gives them back whole", async () => {
      await store().createQueue(queue(1))
      const bodies = [0, 1, 16_048, 16_088, 65_535].map((length) => new Uint8Array(length).map((_, i) => i * 31))
      for (const [i, body] of bodies.entries()) {
        const result = await store().enqueue(rid(1), message(i, { body, notify: i % 2 === 0 }), { quota: 9 })
        expect(unnumbered(result)).toEqual({ ...stored, wasEmpty: i === 0 })
      }
      const expected = bodies.map((body, i) => message(i, { body, notify: i % 2 === 0 }))
      expect(await store().messages(rid(1))).toEqual(expected)
      expect((await store().peek([rid(2), rid(1)])).map(({ head }) => head)).toEqual([undefined, expected[0]])
      expect(await store().queueInfo(rid(1))).toEqual({
        size: 5,
        head: { id: mid(0), timestamp: 1000, kind: "message" },
      })
      expect((await store().counts()).messages).toBe(5)
    })

    it("keeps times up to the far future", async () => {
      await store().createQueue(queue(1))
      const timestamp = 2 ** 40 - 1
      await store().enqueue(rid(1), message(1, { timestamp }), QUOTA)
      expect((await store().peek([rid(1)]))[0]?.head?.timestamp).toBe(timestamp)
    })

    it("removes the head by its ID and returns the next", async () => {
      await store().createQueue(queue(1))
      for (const n of [1, 2]) await send(n)
      expect(await ack(1)).toEqual({ ...acknowledged, removed: removed(1), next: message(2) })
      expect(await ack(2)).toEqual({ ...acknowledged, removed: removed(2) })
      expect(await ack(2)).toEqual(acknowledged)
      expect(await store().messages(rid(1))).toEqual([])
      expect((await store().counts()).messages).toBe(0)
    })

    it("removes nothing by another ID, and returns the head again", async () => {
      await store().createQueue(queue(1))
      for (const n of [1, 2]) await send(n)
      for (const other of [mid(2), mid(7), new Uint8Array(0), mid(1).subarray(1)]) {
        expect(await store().acknowledge(rid(1), other)).toEqual({ ...acknowledged, next: message(1) })
      }
      expect(await store().messages(rid(1))).toEqual([message(1), message(2)])
    })

    it("takes the place of the first message over the limit with a marker (smp.md §10.3, 32 and 33)", async () => {
      await store().createQueue(queue(1))
      const quota = { quota: 2 }
      const refused = { result: "quota", markerStored: false, expired: 0 }
      expect(await send(1, quota)).toEqual({ ...stored, wasEmpty: true })
      expect(await send(2, quota)).toEqual({ ...stored, wasEmpty: false })
      expect(await send(3, quota)).toEqual({ ...refused, markerStored: true })
      expect(await send(4, quota)).toEqual(refused)
      expect((await store().counts()).messages).toBe(2)
      expect(await store().queueInfo(rid(1))).toMatchObject({ size: 3 })
      expect(await ack(1)).toMatchObject({ next: message(2) })
      expect(await send(5, quota)).toEqual(refused)
      expect(await ack(2)).toEqual({ ...acknowledged, removed: removed(2), next: marker(3) })
      expect(await send(6, quota)).toEqual(refused)
      expect(await store().queueInfo(rid(1))).toEqual({
        size: 1,
        head: { id: mid(3), timestamp: 1003, kind: "quota" },
      })
      expect(await ack(3)).toEqual({ ...acknowledged, removed: removed(3, "quota") })
      expect(await send(7, quota)).toEqual({ ...stored, wasEmpty: true })
      expect(await store().messages(rid(1))).toEqual([message(7)])
    })

    it("writes a marker at once with a quota of none", async () => {
      await store().createQueue(queue(1))
      expect(await send(1, { quota: 0 })).toEqual({ result: "quota", markerStored: true, expired: 0 })
      expect(await store().messages(rid(1))).toEqual([marker(1)])
      expect(await send(2, { quota: 9 })).toEqual({ result: "quota", markerStored: false, expired: 0 })
    })

    it("looks at the quota of the moment", async () => {
      await store().createQueue(queue(1))
      for (const n of [1, 2, 3]) await send(n, { quota: 3 })
      expect(await send(4, { quota: 5 })).toMatchObject({ result: "stored" })
      expect(await send(5, { quota: 2 })).toMatchObject({ markerStored: true })
    })

    it("takes no messages for a queue that is off, blocked or not there", async () => {
      await store().createQueue(queue(1, { status: { tag: "off" } }))
      await store().createQueue(queue(2, { status: { tag: "blocked", info: { reason: "spam" } } }))
      expect(await send(1)).toEqual({ result: "off" })
      expect(await store().enqueue(rid(2), message(1), QUOTA)).toEqual({ result: "blocked", info: { reason: "spam" } })
      for (const recipientId of [rid(3), new Uint8Array(0), new Uint8Array(300)]) {
        expect(await store().enqueue(recipientId, message(1), QUOTA)).toEqual({ result: "no-queue" })
      }
      expect((await store().counts()).messages).toBe(0)
    })

    it("delivers what a suspended queue holds", async () => {
      await store().createQueue(queue(1))
      await send(1)
      await store().setStatus(rid(1), { tag: "off" })
      const [subscribed] = await store().subscribe([{ recipientId: rid(1) }], "a")
      expect(accepted(subscribed).head).toEqual(message(1))
      expect(await ack(1)).toEqual({ ...acknowledged, removed: removed(1) })
    })

    it("names the owner of the subscription and the service", async () => {
      await store().createQueue(queue(1, { rcvServiceId: serviceId(1) }))
      expect(await send(1)).toEqual({ ...stored, wasEmpty: true, rcvServiceId: serviceId(1) })
      const [subscribed] = await store().subscribe([{ recipientId: rid(1) }], "a")
      const { owner } = accepted(subscribed)
      expect(await send(2)).toEqual({ ...stored, wasEmpty: false, owner })
    })

    describe("expiry", () => {
      const expire = (before: number) => expireAll(store(), before)

      it("removes old messages from the head before one is stored", async () => {
        await store().createQueue(queue(1))
        for (const n of [1, 2, 3]) await send(n)
        expect(await send(4, { quota: 4, expireBefore: 1003 })).toEqual({ ...stored, wasEmpty: false, expired: 2 })
        expect(await store().messages(rid(1))).toEqual([message(3), message(4)])
        expect(await send(5, { quota: 4, expireBefore: 2000 })).toEqual({ ...stored, wasEmpty: true, expired: 2 })
        expect(await store().messages(rid(1))).toEqual([message(5)])
        expect((await store().counts()).messages).toBe(1)
      })

      it("makes room by that", async () => {
        await store().createQueue(queue(1))
        for (const n of [1, 2]) await send(n, { quota: 2 })
        expect(await send(3, { quota: 2, expireBefore: 1002 })).toMatchObject({ result: "stored", expired: 1 })
      })

      it("stops at a marker, which stays, and keeps the queue closed", async () => {
        await store().createQueue(queue(1))
        for (const n of [1, 2, 3]) await send(n, { quota: 2 })
        expect(await send(4, { quota: 2, expireBefore: 5000 })).toEqual({
          result: "quota",
          markerStored: false,
          expired: 2,
        })
        expect(await store().messages(rid(1))).toEqual([marker(3)])
        expect(await expire(5000)).toBe(0)
        expect(await ack(3)).toEqual({ ...acknowledged, removed: removed(3, "quota") })
        expect(await send(5, { quota: 2 })).toMatchObject({ result: "stored", wasEmpty: true })
      })

      it("stops at a message that is not old, whatever is behind it", async () => {
        await store().createQueue(queue(1))
        for (const timestamp of [10, 30, 20, 5]) {
          await store().enqueue(rid(1), message(timestamp, { timestamp }), { quota: 9 })
        }
        expect(await expire(25)).toBe(1)
        expect(await store().messages(rid(1))).toHaveLength(3)
        expect(await expire(30)).toBe(0)
        expect(await expire(31)).toBe(3)
        expect(await store().messages(rid(1))).toEqual([])
        expect(await send(1)).toMatchObject({ wasEmpty: true })
      })

      it("goes through all queues", async () => {
        for (let n = 1; n <= 25; n++) {
          await store().createQueue(queue(n))
          for (let i = 0; i < n % 4; i++) await store().enqueue(rid(n), message(i), { quota: 2 })
        }
        const before = (await store().counts()).messages
        expect(await expire(1001)).toBe(19)
        expect((await store().counts()).messages).toBe(before - 19)
        expect(await expire(1001)).toBe(0)
      })
    })

    it("stores a notification with the message, if the notifier is still that one", async () => {
      await store().createQueue(queue(1, { notifier: notifier(1) }))
      const options = (n: number) => ({ quota: 2, notification: notification(n) })
      expect(await store().enqueue(rid(1), message(1, { notify: true }), options(1))).toMatchObject({ notified: true })
      expect(await store().enqueue(rid(1), message(2, { notify: true }), options(2))).toMatchObject({ notified: false })
      // Neither a marker nor a refused message notifies.
      expect(await store().enqueue(rid(1), message(3), options(1))).toMatchObject({ markerStored: true })
      expect(await store().enqueue(rid(1), message(4), options(1))).toMatchObject({ markerStored: false })
      expect(await store().notifications(nidOf(1), 10)).toHaveLength(1)
      expect(await store().notifications(nidOf(2), 10)).toEqual([])
    })
  })
}

/** A result without the number that only some stores give: `fillings.ts` is about that. */
function unnumbered<T extends object>(result: T): Omit<T, "filling"> {
  const { filling: _, ...rest } = result as T & { readonly filling?: number }
  return rest
}

function nidOf(n: number): Uint8Array {
  return notifier(n).notifierId
}

async function expireAll(store: QueueStore, before: number): Promise<number> {
  let expired = 0
  let cursor: Uint8Array | undefined
  do {
    const step = await store.expireMessages({ before, limit: 3, ...(cursor !== undefined && { cursor }) })
    expired += step.expired
    cursor = step.cursor
  } while (cursor !== undefined)
  return expired
}
