import { describe, expect, it } from "vitest"
import {
  accepted,
  contactQueue,
  key,
  lid,
  link,
  message,
  mid,
  nid,
  notifier,
  QUOTA,
  queue,
  rid,
  service,
  serviceId,
  sid,
} from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

/** Whole queues from elsewhere. */
export function importingContract(make: MakeStore): void {
  describe("import", () => {
    const store = freshStore(make)
    const marker = { kind: "quota", id: mid(3), timestamp: 1003 } as const

    it("writes records, indexes, link data, messages and associations", async () => {
      await store().registerService(service(1))
      const record = queue(1, {
        linkId: lid(1),
        notifier: notifier(1, { serviceId: serviceId(1) }),
        rcvServiceId: serviceId(1),
        senderKey: key(9),
      })
      const messages = [message(1), message(2), marker]
      expect(
        await store().importQueues([{ queue: record, linkData: link(1, 2), messages }, { queue: queue(2) }]),
      ).toEqual({
        conflicts: [],
      })
      expect(await store().queueBySender(sid(1))).toEqual(record)
      expect(await store().queueByNotifier(nid(1))).toEqual(record)
      expect(await store().queueByLink(lid(1))).toEqual(record)
      expect(await store().linkData(rid(1))).toEqual(link(1, 2))
      expect(await store().messages(rid(1))).toEqual(messages)
      expect((await store().serviceTotals(serviceId(1), "messages"))?.count).toBe(1)
      expect((await store().serviceTotals(serviceId(1), "notifications"))?.count).toBe(1)
      expect(await store().counts()).toMatchObject({ queues: 2, messages: 2, notifications: 0, services: 1 })
    })

    it("keeps more messages than any quota, and whether the queue is closed", async () => {
      const messages = Array.from({ length: 200 }, (_, n) => message(n))
      await store().importQueues([
        { queue: queue(1), messages },
        { queue: queue(2), messages: [message(1), marker] },
        { queue: queue(3), messages: [message(1)], canWrite: false },
        { queue: queue(4), messages: [message(1), marker], canWrite: true },
        { queue: queue(5), messages: [], canWrite: false },
      ])
      expect(await store().messages(rid(1))).toEqual(messages)
      const send = async (n: number) => (await store().enqueue(rid(n), message(50), { quota: 300 })).result
      expect(await Promise.all([1, 2, 3, 4, 5].map(send))).toEqual(["stored", "quota", "quota", "stored", "stored"])
    })

    it("replaces a queue of the same recipient ID as a whole", async () => {
      await store().createQueue(queue(1, { linkId: lid(1), notifier: notifier(1), senderId: sid(7) }), {
        linkData: link(1, 1),
      })
      await store().enqueue(rid(1), message(1), QUOTA)
      expect(await store().importQueues([{ queue: queue(1), messages: [message(2)] }])).toEqual({ conflicts: [] })
      expect(await store().queueByRecipient(rid(1))).toEqual(queue(1))
      expect(await store().queueBySender(sid(7))).toBeUndefined()
      expect(await store().queueByNotifier(nid(1))).toBeUndefined()
      expect(await store().queueByLink(lid(1))).toBeUndefined()
      expect(await store().linkData(rid(1))).toBeUndefined()
      expect(await store().messages(rid(1))).toEqual([message(2)])
      expect(await store().counts()).toMatchObject({ queues: 1, messages: 1, notifications: 0, services: 0 })
    })

    it("can be repeated", async () => {
      const entries = [{ queue: contactQueue(1, { linkId: lid(1) }), linkData: link(1, 1), messages: [message(1)] }]
      for (let i = 0; i < 3; i++) expect(await store().importQueues(entries)).toEqual({ conflicts: [] })
      expect(await store().counts()).toMatchObject({ queues: 1, messages: 1, notifications: 0, services: 0 })
    })

    it("leaves out and names what conflicts with another queue", async () => {
      await store().createQueue(queue(1, { linkId: lid(1), notifier: notifier(1) }), { linkData: link(1, 1) })
      const entries = [
        queue(2, { senderId: sid(1) }),
        queue(3, { linkId: lid(1) }),
        queue(4, { notifier: notifier(1) }),
        queue(5),
        queue(6, { senderId: sid(5) }),
      ].map((record) => ({ queue: record }))
      expect(await store().importQueues(entries)).toEqual({ conflicts: [rid(2), rid(3), rid(4), rid(6)] })
      expect((await store().queues({ limit: 9 })).queues).toEqual([
        queue(1, { linkId: lid(1), notifier: notifier(1) }),
        queue(5),
      ])
    })

    it("keeps the subscription of a queue that it replaces", async () => {
      await store().createQueue(queue(1))
      const { owner } = accepted((await store().subscribe([{ recipientId: rid(1) }], "a"))[0])
      await store().importQueues([{ queue: queue(1) }])
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toMatchObject({ owner })
    })
  })
}
