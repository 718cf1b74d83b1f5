import { describe, expect, it } from "vitest"
import type { QueueStore } from "../../src/queue-store.ts"
import {
  accepted,
  contactQueue,
  key,
  lid,
  link,
  message,
  QUOTA,
  queue,
  queueWithoutMode,
  rid,
  sid,
  TODAY,
} from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

const DAY = 86_400

/** Link data (smp.md §2.3). */
export function linksContract(make: MakeStore): void {
  describe("links", () => {
    const store = freshStore(make)

    it("keeps link data of a new queue only with a link ID", async () => {
      await store().createQueue(queue(1, { linkId: lid(1) }), { linkData: link(1, 2) })
      await store().createQueue(queue(2), { linkData: link(3, 4) })
      expect(await store().linkData(rid(1))).toEqual(link(1, 2))
      expect((await store().queueByLink(lid(1)))?.senderId).toEqual(sid(1))
      expect(await store().linkData(rid(2))).toBeUndefined()
    })

    it("keeps parts of any size, none at all included", async () => {
      await store().createQueue(contactQueue(1))
      const data = { fixedData: new Uint8Array(0), userData: new Uint8Array(65_535).fill(3) }
      accepted(await store().setLink(rid(1), lid(1), data))
      expect(await store().linkData(rid(1))).toEqual(data)
    })

    it("sets a new link, then only its user data", async () => {
      await store().createQueue(queue(1))
      const linked = queue(1, { linkId: lid(1) })
      expect(await store().setLink(rid(1), lid(1), link(1, 2))).toEqual({ ok: true, queue: linked })
      expect(await store().setLink(rid(1), lid(1), link(1, 9))).toEqual({ ok: true, queue: linked })
      expect(await store().linkData(rid(1))).toEqual(link(1, 9))
      const differs = { ok: false, refusal: "link-differs" }
      expect(await store().setLink(rid(1), lid(1), link(8, 9))).toEqual(differs)
      expect(await store().setLink(rid(1), lid(2), link(1, 9))).toEqual(differs)
      expect(await store().linkData(rid(1))).toEqual(link(1, 9))
      expect(await store().queueByLink(lid(2))).toBeUndefined()
    })

    it("refuses a link ID that another queue has, or that cannot be stored", async () => {
      await store().createQueue(contactQueue(1, { linkId: lid(1) }), { linkData: link(1, 1) })
      await store().createQueue(queue(2))
      for (const linkId of [lid(1), new Uint8Array(0), new Uint8Array(256)]) {
        expect(await store().setLink(rid(2), linkId, link(2, 2))).toEqual({ ok: false, refusal: "id-taken" })
      }
      expect((await store().queueByLink(lid(1)))?.recipientId).toEqual(rid(1))
      expect(await store().linkData(rid(1))).toEqual(link(1, 1))
      expect(await store().linkData(rid(2))).toBeUndefined()
    })

    it("does not touch link data of secured queues, but of contact queues", async () => {
      await store().createQueue(queue(1, { linkId: lid(1), senderKey: key(1) }), { linkData: link(1, 1) })
      await store().createQueue(queueWithoutMode(2, { senderKey: key(1) }))
      await store().createQueue(contactQueue(3, { senderKey: key(1) }))
      expect(await store().setLink(rid(1), lid(1), link(1, 2))).toEqual({ ok: false, refusal: "secured" })
      expect(await store().setLink(rid(2), lid(2), link(1, 2))).toEqual({ ok: false, refusal: "secured" })
      accepted(await store().setLink(rid(3), lid(3), link(1, 2)))
    })

    it("deletes a link, more than once too, and frees its ID", async () => {
      await store().createQueue(queue(1, { linkId: lid(1) }), { linkData: link(1, 1) })
      for (let i = 0; i < 2; i++) expect(await store().deleteLink(rid(1))).toEqual({ ok: true, queue: queue(1) })
      expect(await store().linkData(rid(1))).toBeUndefined()
      expect(await store().queueByLink(lid(1))).toBeUndefined()
      await store().createQueue(queue(2))
      accepted(await store().setLink(rid(2), lid(1), link(5, 5)))
      accepted(await store().setLink(rid(1), lid(7), link(6, 6)))
      expect((await store().queueByLink(lid(1)))?.recipientId).toEqual(rid(2))
    })

    it.each([
      ["a secured messaging queue", queue(1, { linkId: lid(1), senderKey: key(1) }), true],
      ["a secured queue without mode", queueWithoutMode(1, { linkId: lid(1), senderKey: key(1) }), true],
      ["a queue that is not secured", queue(1, { linkId: lid(1) }), false],
      ["a secured contact queue", contactQueue(1, { linkId: lid(1), senderKey: key(1) }), false],
    ])("spends the link of %s with the first message, or keeps it", async (_, record, spent) => {
      await store().createQueue(record, { linkData: link(1, 1) })
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toMatchObject({ result: "stored" })
      expect((await store().linkData(rid(1))) === undefined).toBe(spent)
      expect((await store().queueByLink(lid(1))) === undefined).toBe(spent)
      expect((await store().queueByRecipient(rid(1)))?.linkId === undefined).toBe(spent)
    })

    it("spends the link even when the message is refused for quota", async () => {
      await store().createQueue(queue(1, { linkId: lid(1) }), { linkData: link(1, 1) })
      await store().enqueue(rid(1), message(1), { quota: 0 })
      expect(await store().linkData(rid(1))).toEqual(link(1, 1))
      accepted(await store().secure(rid(1), key(1), "link"))
      expect(await store().enqueue(rid(1), message(2), { quota: 0 })).toMatchObject({
        result: "quota",
        markerStored: false,
      })
      expect(await store().linkData(rid(1))).toBeUndefined()
      expect(await store().secure(rid(1), key(1), "link")).toEqual({ ok: false, refusal: "no-link" })
    })

    it.each([{ tag: "off" }, { tag: "blocked", info: { reason: "spam" } }] as const)(
      "keeps the link of a queue that takes no messages: $tag",
      async (status) => {
        await store().createQueue(queue(1, { linkId: lid(1), senderKey: key(1), status }), { linkData: link(1, 1) })
        await store().enqueue(rid(1), message(1), QUOTA)
        expect(await store().linkData(rid(1))).toEqual(link(1, 1))
      },
    )

    it("expires links of messaging queues that nobody used", async () => {
      const old = { createdAt: TODAY - 30 * DAY }
      const { createdAt: _, ...unknownAge } = queue(5, { updatedAt: TODAY - 30 * DAY })
      const records = [
        queue(1, old),
        queue(2, { ...old, senderKey: key(1) }),
        contactQueue(3, old),
        queue(4),
        unknownAge,
        queueWithoutMode(6, old),
      ]
      for (const [i, record] of records.entries()) {
        await store().createQueue({ ...record, linkId: lid(i + 1) }, { linkData: link(1, 1) })
      }
      expect(await expireAll(store(), TODAY - 7 * DAY)).toBe(2)
      const left = await Promise.all(records.map((_record, i) => store().linkData(rid(i + 1))))
      expect(left.map((data) => data !== undefined)).toEqual([false, true, true, true, false, true])
      expect(await store().queueByRecipient(rid(1))).toEqual(queue(1, old))
      expect(await store().queueByLink(lid(1))).toBeUndefined()
    })
  })
}

async function expireAll(store: QueueStore, before: number): Promise<number> {
  let expired = 0
  let cursor: Uint8Array | undefined
  do {
    const step = await store.expireLinks({ before, limit: 2, ...(cursor !== undefined && { cursor }) })
    expired += step.expired
    cursor = step.cursor
  } while (cursor !== undefined)
  return expired
}
