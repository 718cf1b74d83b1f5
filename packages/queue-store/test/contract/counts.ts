import { describe, expect, it } from "vitest"
import { NO_COUNTS, type StoreCounts } from "../../src/queue-store.ts"
import { contactQueue, message, nid, notification, notifier, queue, rid, service, serviceId } from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

/** Numbers of what is stored. */
export function countsContract(make: MakeStore): void {
  describe("counts", () => {
    const store = freshStore(make)
    const expectCounts = async (counts: Partial<StoreCounts>): Promise<void> =>
      expect(await store().counts()).toEqual({ ...NO_COUNTS, ...counts })

    it("are all zero in an empty store", async () => {
      await expectCounts({})
    })

    it("follow notifiers as they are set, replaced and removed", async () => {
      await store().createQueue(queue(1, { notifier: notifier(1) }))
      await store().createQueue(queue(2))
      await expectCounts({ queues: 2, notifiers: 1 })
      await store().setNotifier(rid(2), notifier(2))
      await expectCounts({ queues: 2, notifiers: 2 })
      await store().setNotifier(rid(2), notifier(3))
      await store().setNotifier(rid(1), notifier(3))
      await expectCounts({ queues: 2, notifiers: 2 })
      await store().deleteNotifier(rid(2))
      await store().deleteNotifier(rid(2))
      await expectCounts({ queues: 2, notifiers: 1 })
      await store().deleteQueue(rid(1))
      await expectCounts({ queues: 1 })
    })

    it("follow services by role, however they come", async () => {
      await store().registerService(service(1, { role: "M" }))
      await store().registerService(service(1, { role: "M" }))
      await store().registerService(service(1, { role: "N" }))
      await store().registerService(service(2, { role: "N" }))
      await store().registerService(service(3, { role: "P" }))
      await expectCounts({ services: 3, messageServices: 1, notificationServices: 1 })
      await store().importServices([service(2, { role: "M" }), service(4, { role: "N" })])
      await expectCounts({ services: 4, messageServices: 2, notificationServices: 1 })
    })

    it("follow the queues of services", async () => {
      const owned = { notifier: notifier(1, { serviceId: serviceId(9) }), rcvServiceId: serviceId(8) }
      await store().createQueue(queue(1, owned))
      await store().createQueue(queue(2, { notifier: notifier(2) }))
      await store().subscribe([{ recipientId: rid(2), serviceId: serviceId(8) }], "a")
      await store().subscribe([{ recipientId: rid(2), serviceId: serviceId(8) }], "a")
      await store().associateNotifier(nid(2), serviceId(9))
      await expectCounts({ queues: 2, notifiers: 2, messageServiceQueues: 2, notificationServiceQueues: 2 })
      await store().subscribe([{ recipientId: rid(2), serviceId: serviceId(7) }], "a")
      await store().associateNotifier(nid(2), serviceId(7))
      await expectCounts({ queues: 2, notifiers: 2, messageServiceQueues: 2, notificationServiceQueues: 2 })
      await store().subscribe([{ recipientId: rid(2) }], "a")
      await store().associateNotifier(nid(2), undefined)
      await expectCounts({ queues: 2, notifiers: 2, messageServiceQueues: 1, notificationServiceQueues: 1 })
      await store().deleteQueue(rid(1))
      await expectCounts({ queues: 1, notifiers: 1 })
    })

    it("count an imported queue once, though it replaces another", async () => {
      const imported = { notifier: notifier(1, { serviceId: serviceId(9) }), rcvServiceId: serviceId(8) }
      const entries = [{ queue: contactQueue(1, imported), messages: [message(1), message(2)] }]
      await store().importQueues(entries)
      await store().importQueues(entries)
      const owned = { notifiers: 1, messageServiceQueues: 1, notificationServiceQueues: 1 }
      await expectCounts({ queues: 1, messages: 2, ...owned })
      await store().importQueues([{ queue: contactQueue(1) }])
      await expectCounts({ queues: 1 })
    })

    it("stay as they are when nothing was stored", async () => {
      await store().createQueue(queue(1, { notifier: notifier(1) }))
      await store().createQueue(queue(2, { notifier: notifier(1), rcvServiceId: serviceId(1) }))
      await store().enqueue(rid(3), message(1), { quota: 1, notification: notification(1) })
      await store().associateNotifier(nid(3), serviceId(1))
      await expectCounts({ queues: 1, notifiers: 1 })
    })
  })
}
