import { fromHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { accepted, nid, notifier, queue, rid, secret, service, serviceId } from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

const NONE = { count: 0, idsHash: new Uint8Array(16) }

/** Services, associations, their counts and hashes (smp.md §2.4, §4.7). */
export function servicesContract(make: MakeStore): void {
  describe("services", () => {
    const store = freshStore(make)
    const totals = (n: number, kind: "messages" | "notifications" = "messages") =>
      store().serviceTotals(serviceId(n), kind)

    it("are created once per certificate and keep their role", async () => {
      const first = service(1)
      expect(await store().registerService(first)).toEqual({ ok: true, service: first, created: true })
      const again = service(1, { serviceId: serviceId(2), certificates: [], createdAt: 5 })
      expect(await store().registerService(again)).toEqual({ ok: true, service: first, created: false })
      expect(await store().registerService({ ...again, role: "N" })).toEqual({ ok: false, role: "M" })
      expect(await store().serviceById(serviceId(1))).toEqual(first)
      expect(await store().serviceById(serviceId(2))).toBeUndefined()
      expect(await store().serviceById(new Uint8Array(0))).toBeUndefined()
      expect((await store().counts()).services).toBe(1)
    })

    it("hash their queues as the specification's vector says", async () => {
      const [one, two] = [new Uint8Array(24).fill(1), new Uint8Array(24).fill(2)]
      await store().registerService(service(1))
      expect(await totals(1)).toEqual(NONE)
      await store().createQueue(queue(1, { recipientId: one, rcvServiceId: serviceId(1) }))
      expect(await totals(1)).toEqual({ count: 1, idsHash: fromHex("14548bed5b3ce76eb53b75a859e1280c") })
      await store().createQueue(queue(2, { recipientId: two, rcvServiceId: serviceId(1) }))
      expect(await totals(1)).toEqual({ count: 2, idsHash: fromHex("340ff55eba8f4dafe489c000970cb6c9") })
      await store().deleteQueue(one)
      expect(await totals(1)).toEqual({ count: 1, idsHash: fromHex("205b7eb3e1b3aac151b2b5a8ceed9ec5") })
      await store().deleteQueue(two)
      expect(await totals(1)).toEqual(NONE)
      expect(await totals(1, "notifications")).toEqual(NONE)
      expect(await totals(2)).toBeUndefined()
    })

    it("count by notifier IDs for notifications", async () => {
      const one = new Uint8Array(24).fill(1)
      await store().registerService(service(1, { role: "N" }))
      const owned = notifier(1, { notifierId: one, serviceId: serviceId(1) })
      await store().createQueue(queue(1, { notifier: owned }))
      expect(await totals(1, "notifications")).toEqual({
        count: 1,
        idsHash: fromHex("14548bed5b3ce76eb53b75a859e1280c"),
      })
      expect(await store().serviceQueues(serviceId(1), "notifications", { limit: 9 })).toEqual({ ids: [one] })
      expect(await totals(1)).toEqual(NONE)
    })

    it("lose and gain queues by subscriptions", async () => {
      for (const n of [1, 2]) await store().registerService(service(n))
      for (const n of [1, 2, 3]) await store().createQueue(queue(n))
      const subscribe = (n: number, to?: number) =>
        store().subscribe([{ recipientId: rid(n), ...(to !== undefined && { serviceId: serviceId(to) }) }], "a")
      for (const n of [1, 2, 3]) await subscribe(n, 1)
      const all = await totals(1)
      expect(all?.count).toBe(3)
      await subscribe(2, 1)
      expect(await totals(1)).toEqual(all)
      await subscribe(2, 2)
      expect((await totals(1))?.count).toBe(2)
      expect((await totals(2))?.count).toBe(1)
      expect(await store().serviceQueues(serviceId(2), "messages", { limit: 9 })).toEqual({ ids: [rid(2)] })
      await subscribe(2)
      expect(await totals(2)).toEqual(NONE)
      await subscribe(2, 1)
      expect(await totals(1)).toEqual(all)
    })

    it("are associated with notifiers by NSUB, and lose them with the notifier", async () => {
      for (const n of [1, 2]) await store().registerService(service(n, { role: "N" }))
      await store().createQueue(queue(1, { notifier: notifier(1) }))
      const associate = async (to?: number) =>
        accepted(await store().associateNotifier(nid(1), to === undefined ? undefined : serviceId(to)))
      const withService = (n: number) => queue(1, { notifier: notifier(1, { serviceId: serviceId(n) }) })
      expect(await associate()).toEqual({ ok: true, queue: queue(1, { notifier: notifier(1) }), changed: false })
      expect(await associate(1)).toEqual({ ok: true, queue: withService(1), changed: true })
      const previousServiceId = serviceId(1)
      expect(await associate(1)).toEqual({ ok: true, queue: withService(1), previousServiceId, changed: false })
      expect(await associate(2)).toEqual({ ok: true, queue: withService(2), previousServiceId, changed: true })
      expect(await totals(1, "notifications")).toEqual(NONE)
      expect((await totals(2, "notifications"))?.count).toBe(1)
      expect((await store().queueByNotifier(nid(1)))?.notifier?.serviceId).toEqual(serviceId(2))

      accepted(await store().setNotifier(rid(1), notifier(2)))
      expect(await totals(2, "notifications")).toEqual(NONE)
      expect(await store().serviceQueues(serviceId(2), "notifications", { limit: 9 })).toEqual({ ids: [] })
      accepted(await store().setNotifier(rid(1), notifier(3, { serviceId: serviceId(1) })))
      expect((await totals(1, "notifications"))?.count).toBe(1)
      accepted(await store().deleteNotifier(rid(1)))
      expect(await totals(1, "notifications")).toEqual(NONE)
      expect(await store().associateNotifier(nid(3), serviceId(1))).toEqual({ ok: false, refusal: "no-queue" })
      expect(await store().associateNotifier(new Uint8Array(0), serviceId(1))).toEqual({
        ok: false,
        refusal: "no-queue",
      })
    })

    it("can be blocked out of nothing: NSUB works on a blocked queue", async () => {
      const blocked = queue(1, { notifier: notifier(1), status: { tag: "blocked", info: { reason: "spam" } } })
      await store().createQueue(blocked)
      expect(accepted(await store().associateNotifier(nid(1), serviceId(1))).changed).toBe(true)
    })

    it("list nothing for IDs that are none", async () => {
      expect(await store().serviceQueues(new Uint8Array(3), "messages", { limit: 5 })).toEqual({ ids: [] })
      expect(await store().serviceTotals(new Uint8Array(3), "messages")).toBeUndefined()
    })

    it("are imported under their IDs, replace what was there, and leave conflicts out", async () => {
      await store().registerService(service(1))
      const replaced = service(1, { role: "N", fingerprint: secret(77) })
      const conflicting = service(3, { fingerprint: service(2).fingerprint })
      const result = await store().importServices([service(2), replaced, conflicting, service(4)])
      expect(result).toEqual({ conflicts: [serviceId(3)] })
      expect((await store().services({ limit: 9 })).services).toEqual([replaced, service(2), service(4)])
      expect((await store().counts()).services).toBe(3)
      // The old certificate is free for another service.
      expect(await store().registerService(service(9, { fingerprint: service(1).fingerprint }))).toMatchObject({
        created: true,
      })
    })
  })
}
