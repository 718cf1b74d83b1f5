import { describe, expect, it } from "vitest"
import type { Owner } from "../../src/queue-store.ts"
import { StoreError } from "../../src/store-error.ts"
import { accepted, key, lid, link, message, mid, QUOTA, queue, rid, sid } from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

/** Many operations at once: order, races, closing. */
export function concurrencyContract(make: MakeStore): void {
  describe("concurrency", () => {
    const store = freshStore(make)

    it("lets operations on one queue take effect and settle in the order of their start", async () => {
      const settled: string[] = []
      const note = <T>(name: string, promise: Promise<T>) =>
        promise.then((value) => {
          settled.push(name)
          return value
        })
      const send = (n: number) => note(`send ${n}`, store().enqueue(rid(1), message(n), { quota: 2 }))
      const ack = (n: number) => note(`ack ${n}`, store().acknowledge(rid(1), mid(n)))
      const results = await Promise.all([
        note("create", store().createQueue(queue(1))),
        send(1),
        ack(1),
        send(2),
        send(3),
        send(4),
        send(5),
        ack(2),
        note("off", store().setStatus(rid(1), { tag: "off" })),
        send(6),
        note("delete", store().deleteQueue(rid(1))),
        note("create again", store().createQueue(queue(1))),
        send(7),
      ])
      expect(results.map((result) => ("result" in result ? result.result : "done"))).toEqual([
        ...["done", "stored", "acknowledged", "stored", "stored", "quota", "quota", "acknowledged"],
        ...["done", "off", "done", "done", "stored"],
      ])
      expect(settled).toEqual([
        ...["create", "send 1", "ack 1", "send 2", "send 3", "send 4", "send 5", "ack 2"],
        ...["off", "send 6", "delete", "create again", "send 7"],
      ])
      expect(await store().messages(rid(1))).toEqual([message(7)])
    })

    it("shows a change to look-ups as soon as it settled", async () => {
      await store().createQueue(queue(1))
      for (let n = 0; n < 20; n++) {
        await store().enqueue(rid(1), message(n), { quota: 99 })
        expect((await store().queueInfo(rid(1))).size).toBe(n + 1)
      }
    })

    it("stores what many senders send at once, each once and in order", async () => {
      for (const n of [1, 2, 3]) await store().createQueue(queue(n))
      const sent = Array.from({ length: 300 }, (_, i) => store().enqueue(rid(1 + (i % 3)), message(i), { quota: 1000 }))
      const results = await Promise.all(sent)
      expect(results.filter((result) => result.result === "stored" && result.wasEmpty)).toHaveLength(3)
      for (const n of [1, 2, 3]) {
        const ids = (await store().messages(rid(n))).map((stored) => stored.id)
        expect(ids).toEqual(Array.from({ length: 100 }, (_, i) => mid(3 * i + n - 1)))
      }
    })

    it("stores exactly the quota, whoever comes at once", async () => {
      await store().createQueue(queue(1))
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, i) => store().enqueue(rid(1), message(i), { quota: 5 })),
      )
      expect(results.filter(({ result }) => result === "stored")).toHaveLength(5)
      expect(results.filter((result) => result.result === "quota" && result.markerStored)).toHaveLength(1)
      expect(await store().queueInfo(rid(1))).toMatchObject({ size: 6 })
    })

    it("loses no message between a subscription and a message that is sent at the same time", async () => {
      for (let n = 0; n < 40; n++) {
        await store().createQueue(queue(n))
        const operations = [
          () => store().enqueue(rid(n), message(n), QUOTA),
          () => store().subscribe([{ recipientId: rid(n) }], "a"),
        ]
        if (n % 2 === 1) operations.reverse()
        const [first, second] = await Promise.all(operations.map((start) => start()))
        const [sent, subscribed] = n % 2 === 1 ? [second, first] : [first, second]
        const pushed = sent !== undefined && "owner" in sent && sent.owner !== undefined
        const read = Array.isArray(subscribed) && accepted(subscribed[0]).head !== undefined
        expect([pushed, read].filter(Boolean)).toHaveLength(1)
      }
    })

    it("lets an old owner remove nothing after another took the queue in the same moment", async () => {
      await store().createQueue(queue(1))
      await store().enqueue(rid(1), message(1), QUOTA)
      const first = accepted((await store().subscribe([{ recipientId: rid(1) }], "a"))[0])
      const [moved, late] = await Promise.all([
        store().subscribe([{ recipientId: rid(1) }], "b"),
        store().acknowledge(rid(1), mid(1), first.owner),
      ])
      expect(late).toEqual({ result: "not-owner" })
      expect(accepted(moved[0]).head).toEqual(message(1))
      expect(await store().messages(rid(1))).toEqual([message(1)])
    })

    it("gives one subscription at a time to many who ask at once", async () => {
      await store().createQueue(queue(1))
      const asked = await Promise.all(
        Array.from({ length: 20 }, (_, i) => store().subscribe([{ recipientId: rid(1) }], `node ${i}`)),
      )
      const owners: Owner[] = asked.map(([outcome]) => accepted(outcome).owner)
      const previous = asked.map(([outcome]) => accepted(outcome).previousOwner)
      expect(previous).toEqual([undefined, ...owners.slice(0, -1)])
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toMatchObject({ owner: owners.at(-1) })
    })

    it("creates one of two queues that want the same ID", async () => {
      const [first, second, third] = await Promise.all([
        store().createQueue(queue(1)),
        store().createQueue(queue(2, { senderId: sid(1) })),
        store().createQueue(queue(1)),
      ])
      expect([first, second, third]).toEqual([
        { created: true },
        { created: false, collision: "sender" },
        { created: false, collision: "recipient" },
      ])
    })

    it("secures with one of two keys, and links with one of two IDs", async () => {
      await store().createQueue(queue(1))
      await store().createQueue(queue(2))
      const linked = await Promise.all([1, 2].map((n) => store().setLink(rid(n), lid(1), link(n, n))))
      expect(linked.map((outcome) => outcome.ok)).toEqual([true, false])
      const secured = await Promise.all([5, 6].map((n) => store().secure(rid(1), key(n), "sender")))
      expect(secured.map((outcome) => outcome.ok)).toEqual([true, false])
    })

    it("finishes what was started before it closes, and rejects everything after", async () => {
      await store().createQueue(queue(1))
      const started = Array.from({ length: 20 }, (_, i) => store().enqueue(rid(1), message(i), { quota: 99 }))
      const closing = store().close()
      const late = expectClosed(store().enqueue(rid(1), message(99), QUOTA), "enqueue")
      expect((await Promise.all(started)).every(({ result }) => result === "stored")).toBe(true)
      await late
      await closing
      await store().close()
      await expectClosed(store().queueByRecipient(rid(1)), "queueByRecipient")
      await expectClosed(store().acknowledge(rid(1), mid(0)), "acknowledge")
      await expectClosed(store().counts(), "counts")
      await expectClosed(store().check(), "check")
    })

    it("says that it works while it does", async () => {
      expect(await store().check()).toBeUndefined()
    })
  })
}

async function expectClosed(promise: Promise<unknown>, operation: string): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(StoreError)
  expect((error as StoreError).problem).toEqual({ code: "STORE_CLOSED", operation })
  expect((error as StoreError).retryable).toBe(false)
}
