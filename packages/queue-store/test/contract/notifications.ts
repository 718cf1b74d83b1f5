import { describe, expect, it } from "vitest"
import { accepted, message, nid, notification, notifier, queue, rid, serviceId } from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

/** Notifiers and their pending notifications (smp.md §2.5, §4.6). */
export function notificationsContract(make: MakeStore): void {
  describe("notifications", () => {
    const store = freshStore(make)
    const notify = (n: number, count: number, from = 0) => {
      const sent = Array.from({ length: count }, (_, i) =>
        store().enqueue(rid(n), message(from + i), { quota: 1000, notification: notification(n) }),
      )
      return Promise.all(sent)
    }
    const times = async (n: number, limit = 100) =>
      (await store().notifications(nid(n), limit)).map(({ timestamp }) => timestamp - 1000)

    it("are listed oldest first, each with a growing number", async () => {
      await store().createQueue(queue(1, { notifier: notifier(1) }))
      await notify(1, 5)
      const pending = await store().notifications(nid(1), 3)
      const { nonce, encryptedMetadata } = notification(1)
      expect(pending.map(({ sequence: _, ...rest }) => rest)).toEqual(
        [0, 1, 2].map((n) => ({ timestamp: 1000 + n, nonce, encryptedMetadata })),
      )
      const sequences = pending.map(({ sequence }) => sequence)
      expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b))
      expect(await store().notifications(nid(2), 9)).toEqual([])
      expect(await store().notifications(new Uint8Array(0), 9)).toEqual([])
    })

    it("are removed up to a number", async () => {
      for (const n of [1, 2]) await store().createQueue(queue(n, { notifier: notifier(n) }))
      await notify(1, 300)
      await notify(2, 2)
      const upTo = async (position: number) => (await store().notifications(nid(1), 300))[position]?.sequence ?? 0
      expect(await store().removeNotifications(nid(1), await upTo(1))).toBe(2)
      expect((await times(1, 300)).slice(0, 2)).toEqual([2, 3])
      expect(await store().removeNotifications(nid(1), await upTo(296))).toBe(297)
      expect(await times(1)).toEqual([299])
      expect(await store().removeNotifications(nid(1), 0)).toBe(0)
      expect(await store().removeNotifications(nid(3), Number.MAX_SAFE_INTEGER)).toBe(0)
      expect(await store().removeNotifications(new Uint8Array(1), 9)).toBe(0)
      expect(await times(2)).toEqual([0, 1])
      expect((await store().counts()).notifications).toBe(3)
    })

    it("stay when their message is acknowledged or expires", async () => {
      await store().createQueue(queue(1, { notifier: notifier(1) }))
      await notify(1, 2)
      await store().acknowledge(rid(1), message(0).id)
      await store().expireMessages({ before: 5000, limit: 10 })
      expect(await times(1)).toEqual([0, 1])
    })

    it("go with their notifier", async () => {
      await store().createQueue(queue(1, { notifier: notifier(1) }))
      await notify(1, 3)
      const previous = notifier(1)
      expect(await store().setNotifier(rid(1), notifier(2))).toEqual({
        ok: true,
        queue: queue(1, { notifier: notifier(2) }),
        previous,
      })
      expect(await times(1)).toEqual([])
      expect(await store().queueByNotifier(nid(1))).toBeUndefined()
      // A notification that was made for the old notifier is not stored any more.
      expect(await store().enqueue(rid(1), message(9), { quota: 99, notification: notification(1) })).toMatchObject({
        notified: false,
      })
      await store().enqueue(rid(1), message(10), { quota: 99, notification: notification(2) })
      expect(await store().deleteNotifier(rid(1))).toEqual({ ok: true, queue: queue(1), previous: notifier(2) })
      expect(await store().deleteNotifier(rid(1))).toEqual({ ok: true, queue: queue(1) })
      expect(await times(2)).toEqual([])
      expect(await store().queueByNotifier(nid(2))).toBeUndefined()
      expect((await store().counts()).notifications).toBe(0)
    })

    it("need a notifier ID that is free and can be stored", async () => {
      await store().createQueue(queue(1, { notifier: notifier(1) }))
      await store().createQueue(queue(2))
      for (const notifierId of [nid(1), new Uint8Array(0), new Uint8Array(23)]) {
        const taken = await store().setNotifier(rid(2), notifier(2, { notifierId }))
        expect(taken).toEqual({ ok: false, refusal: "id-taken" })
      }
      expect((await store().queueByNotifier(nid(1)))?.recipientId).toEqual(rid(1))
      expect(accepted(await store().setNotifier(rid(2), notifier(2))).queue).toEqual(
        queue(2, { notifier: notifier(2) }),
      )
    })

    it("tell which notifiers have some, in bounded steps, of one service too", async () => {
      for (let n = 1; n <= 7; n++) {
        const owned = n % 2 === 0 ? notifier(n, { serviceId: serviceId(1) }) : notifier(n)
        await store().createQueue(queue(n, { notifier: owned }))
        if (n !== 4) await notify(n, n)
      }
      const walk = async (options: { serviceId?: Uint8Array }) => {
        const found: Uint8Array[] = []
        let cursor: Uint8Array | undefined
        do {
          const step = await store().pendingNotifiers({ ...options, limit: 2, ...(cursor !== undefined && { cursor }) })
          expect(step.notifierIds.length).toBeLessThanOrEqual(2)
          found.push(...step.notifierIds)
          cursor = step.cursor
        } while (cursor !== undefined)
        return found
      }
      expect(await walk({})).toEqual([1, 2, 3, 5, 6, 7].map(nid))
      expect(await walk({ serviceId: serviceId(1) })).toEqual([2, 6].map(nid))
      expect(await walk({ serviceId: serviceId(2) })).toEqual([])
    })

    it("expire by their time in bounded steps", async () => {
      for (const n of [1, 2, 3]) {
        await store().createQueue(queue(n, { notifier: notifier(n) }))
        await notify(n, 4, n)
      }
      let expired = 0
      let cursor: Uint8Array | undefined
      do {
        const step = await store().expireNotifications({
          before: 1004,
          limit: 2,
          ...(cursor !== undefined && { cursor }),
        })
        expired += step.expired
        cursor = step.cursor
      } while (cursor !== undefined)
      expect(expired).toBe(3 + 2 + 1)
      expect(await times(1)).toEqual([4])
      expect(await times(3)).toEqual([4, 5, 6])
      expect((await store().counts()).notifications).toBe(6)
    })

    it("are imported for known notifiers behind those that are there", async () => {
      await store().createQueue(queue(1, { notifier: notifier(1) }))
      await notify(1, 1)
      const { notifierId: _, ...rest } = notification(5)
      const imported = [
        { ...rest, timestamp: 1050 },
        { ...rest, timestamp: 1051 },
      ]
      const entries = [1, 2].map((n) => ({ notifierId: nid(n), notifications: imported }))
      expect(await store().importNotifications(entries)).toEqual({ conflicts: [nid(2)] })
      expect(await times(1)).toEqual([0, 50, 51])
      expect((await store().counts()).notifications).toBe(3)
    })
  })
}
