import { describe, expect, it } from "vitest"
import type { QueueRecord } from "../../src/records.ts"
import {
  accepted,
  contactQueue,
  id,
  key,
  lid,
  link,
  message,
  nid,
  notifier,
  QUOTA,
  queue,
  queueWithoutMode,
  rid,
  serviceId,
  sid,
  TODAY,
} from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

const SPAM = { tag: "blocked", info: { reason: "spam" } } as const

/** Records: creating, finding, securing, statuses, deleting. */
export function queuesContract(make: MakeStore): void {
  describe("queues", () => {
    const store = freshStore(make)

    const forms: Record<string, QueueRecord> = {
      plain: queue(1),
      "without mode": queueWithoutMode(1),
      contact: contactQueue(1, { recipientKeys: [key(1), key(-2), key(3)] }),
      secured: queue(1, { senderKey: key(-9) }),
      full: queue(1, {
        senderKey: key(5),
        linkId: lid(1),
        notifier: notifier(1, { serviceId: serviceId(2) }),
        rcvServiceId: serviceId(1),
        status: { tag: "off" },
      }),
      "with an unknown kind of key": queue(1, {
        recipientKeys: [new Uint8Array([1, 2, 3])],
        senderKey: new Uint8Array(0),
      }),
      "of unknown age": (({ createdAt: _, ...rest }) => rest)(queue(1)),
      blocked: queue(1, { status: SPAM }),
      "blocked with a notice": queue(1, { status: { tag: "blocked", info: { reason: "content", notice: {} } } }),
      "blocked for a time": queue(1, { status: { tag: "blocked", info: { reason: "spam", notice: { ttl: 86_400 } } } }),
    }
    it.each(Object.entries(forms))("keeps a record: %s", async (_, record) => {
      expect(await store().createQueue(record)).toEqual({ created: true })
      expect(await store().queueByRecipient(record.recipientId)).toEqual(record)
      expect(await store().queueBySender(record.senderId)).toEqual(record)
      if (record.linkId !== undefined) expect(await store().queueByLink(record.linkId)).toEqual(record)
      if (record.notifier !== undefined)
        expect(await store().queueByNotifier(record.notifier.notifierId)).toEqual(record)
    })

    it("finds nothing by an ID of another kind, of another length or of nothing", async () => {
      await store().createQueue(queue(1, { linkId: lid(1), notifier: notifier(1) }), { linkData: link(1, 1) })
      const others = [rid(2), sid(1), nid(1), lid(1), new Uint8Array(0), rid(1).subarray(0, 23), new Uint8Array(255)]
      for (const other of others) {
        expect(await store().queueByRecipient(other)).toBeUndefined()
        expect(await store().linkData(other)).toBeUndefined()
      }
      for (const other of [rid(1), sid(2), nid(1), lid(1), new Uint8Array(0), new Uint8Array(8)]) {
        expect(await store().queueBySender(other)).toBeUndefined()
      }
      for (const other of [rid(1), sid(1), lid(1), new Uint8Array(0)]) {
        expect(await store().queueByNotifier(other)).toBeUndefined()
      }
      for (const other of [rid(1), sid(1), nid(1), new Uint8Array(0)])
        expect(await store().queueByLink(other)).toBeUndefined()
    })

    it("finds several at once, in the order of the IDs", async () => {
      for (const n of [1, 2, 3]) await store().createQueue(queue(n, { notifier: notifier(n) }))
      const byRecipient = await store().queuesByRecipient([rid(3), rid(9), rid(1), rid(3)])
      expect(byRecipient.map((found) => found?.senderId)).toEqual([sid(3), undefined, sid(1), sid(3)])
      const byNotifier = await store().queuesByNotifier([nid(2), nid(8)])
      expect(byNotifier.map((found) => found?.senderId)).toEqual([sid(2), undefined])
      expect(await store().queuesByRecipient([])).toEqual([])
    })

    it("names the ID that is taken, and then stores nothing", async () => {
      const first = queue(1, { linkId: lid(1), notifier: notifier(1) })
      await store().createQueue(first, { linkData: link(1, 1) })
      const collisions = {
        recipient: queue(2, { recipientId: rid(1) }),
        sender: queue(2, { senderId: sid(1) }),
        notifier: queue(2, { notifier: notifier(1), linkId: lid(2) }),
        link: queue(2, { linkId: lid(1), notifier: notifier(2) }),
      }
      for (const [collision, record] of Object.entries(collisions)) {
        expect(await store().createQueue(record, { linkData: link(2, 2), subscriber: "node" })).toEqual({
          created: false,
          collision,
        })
      }
      expect(await store().queueByRecipient(rid(2))).toBeUndefined()
      expect(await store().queueBySender(sid(2))).toBeUndefined()
      expect(await store().queueByLink(lid(2))).toBeUndefined()
      expect(await store().queueByNotifier(nid(2))).toBeUndefined()
      expect(await store().queueByRecipient(rid(1))).toEqual(first)
      expect(await store().linkData(rid(1))).toEqual(link(1, 1))
      expect((await store().counts()).queues).toBe(1)
    })

    it("refuses IDs that cannot be stored as if they were taken", async () => {
      const wrong = new Uint8Array(23)
      const refused = {
        recipient: queue(1, { recipientId: wrong }),
        sender: queue(1, { senderId: new Uint8Array(0) }),
        notifier: queue(1, { notifier: notifier(1, { notifierId: new Uint8Array(25) }) }),
        link: contactQueue(1, { linkId: new Uint8Array(0) }),
      }
      for (const [collision, record] of Object.entries(refused)) {
        expect(await store().createQueue(record)).toEqual({ created: false, collision })
      }
      const longest = new Uint8Array(255).fill(7)
      expect(await store().createQueue(contactQueue(1, { linkId: longest }))).toEqual({ created: true })
      expect((await store().queueByLink(longest))?.recipientId).toEqual(rid(1))
    })

    it("returns what the caller may keep, whatever happens to the caller's buffers", async () => {
      const block = Buffer.alloc(16_384, 1)
      const recipientId = block.subarray(100, 124)
      await store().createQueue(contactQueue(1, { recipientId, linkId: block.subarray(200, 224) }), {
        linkData: link(1, 2),
      })
      const secured = accepted(await store().secure(recipientId, block.subarray(300, 344), "recipient"))
      const kept = new Uint8Array(recipientId)
      const body = block.subarray(1000, 2000)
      await store().enqueue(recipientId, message(1, { body, id: block.subarray(10, 34) }), QUOTA)
      block.fill(2)
      expect(await store().queueByRecipient(kept)).toEqual(secured.queue)
      expect(secured.queue.senderKey).toEqual(new Uint8Array(44).fill(1))
      const [{ head } = {}] = await store().peek([kept])
      expect(head).toEqual(message(1, { body: new Uint8Array(1000).fill(1), id: new Uint8Array(24).fill(1) }))
      if (head?.kind === "message") head.body.fill(9)
      expect((await store().peek([kept]))[0]?.head).toEqual(
        message(1, { body: new Uint8Array(1000).fill(1), id: new Uint8Array(24).fill(1) }),
      )
    })

    it.each(["recipient", "sender", "link"] as const)("secures once, by %s", async (by) => {
      await store().createQueue(queue(1, { linkId: lid(1) }), { linkData: link(1, 2) })
      const linkData = by === "link" ? { linkData: link(1, 2) } : {}
      const secured = { ok: true, queue: queue(1, { linkId: lid(1), senderKey: key(5) }), ...linkData }
      expect(await store().secure(rid(1), key(5), by)).toEqual(secured)
      expect(await store().secure(rid(1), key(5), by)).toEqual(secured)
      expect(await store().secure(rid(1), key(6), by)).toEqual({ ok: false, refusal: "other-key" })
      expect(await store().queueBySender(sid(1))).toEqual(secured.queue)
      expect(await store().secure(rid(2), key(5), by)).toEqual({ ok: false, refusal: "no-queue" })
    })

    it("lets only the recipient secure a queue that is not of messaging mode", async () => {
      const records = [contactQueue(1, { linkId: lid(1) }), queueWithoutMode(2, { linkId: lid(2) })]
      for (const record of records) {
        await store().createQueue(record, { linkData: link(1, 1) })
        const { recipientId } = record
        expect(await store().secure(recipientId, key(5), "sender")).toEqual({ ok: false, refusal: "wrong-mode" })
        expect(await store().secure(recipientId, key(5), "link")).toEqual({ ok: false, refusal: "wrong-mode" })
        expect(accepted(await store().secure(recipientId, key(5), "recipient")).queue.senderKey).toEqual(key(5))
      }
    })

    it("does not secure through a link that has no data", async () => {
      await store().createQueue(queue(1))
      expect(await store().secure(rid(1), key(5), "link")).toEqual({ ok: false, refusal: "no-link" })
      expect((await store().queueByRecipient(rid(1)))?.senderKey).toBeUndefined()
    })

    it("replaces recipient keys of contact queues only", async () => {
      await store().createQueue(contactQueue(1))
      await store().createQueue(queue(2))
      await store().createQueue(queueWithoutMode(3))
      const keys = Array.from({ length: 255 }, (_, i) => key(i % 2 === 0 ? i : -i))
      expect(accepted(await store().setRecipientKeys(rid(1), keys)).queue.recipientKeys).toEqual(keys)
      expect((await store().queueByRecipient(rid(1)))?.recipientKeys).toEqual(keys)
      for (const n of [2, 3]) {
        expect(await store().setRecipientKeys(rid(n), keys)).toEqual({ ok: false, refusal: "wrong-mode" })
      }
      expect(await store().setRecipientKeys(rid(4), keys)).toEqual({ ok: false, refusal: "no-queue" })
    })

    it("changes the status, also of a blocked queue, and tells the one before and the owner", async () => {
      await store().createQueue(queue(1))
      expect(await store().setStatus(rid(1), { tag: "off" })).toEqual({
        ok: true,
        queue: queue(1, { status: { tag: "off" } }),
        previous: { tag: "active" },
      })
      const { owner } = accepted((await store().subscribe([{ recipientId: rid(1) }], "a"))[0])
      expect(await store().setStatus(rid(1), SPAM)).toEqual({
        ok: true,
        queue: queue(1, { status: SPAM }),
        previous: { tag: "off" },
        owner,
      })
      const longer = { tag: "blocked", info: { reason: "content", notice: { ttl: 5 } } } as const
      await store().setStatus(rid(1), longer)
      expect((await store().queueByRecipient(rid(1)))?.status).toEqual(longer)
      await store().setStatus(rid(1), { tag: "off" })
      await store().setStatus(rid(1), { tag: "active" })
      expect(await store().queueByRecipient(rid(1))).toEqual(queue(1))
      expect(await store().setStatus(rid(2), SPAM)).toEqual({ ok: false, refusal: "no-queue" })
    })

    it("refuses changes of a blocked queue with its reason", async () => {
      const info = { reason: "content", notice: { ttl: 60 } } as const
      await store().createQueue(contactQueue(1, { status: { tag: "blocked", info }, linkId: lid(1) }), {
        linkData: link(1, 1),
      })
      const refused = { ok: false, refusal: "blocked", info }
      expect(await store().secure(rid(1), key(5), "recipient")).toEqual(refused)
      expect(await store().setRecipientKeys(rid(1), [key(1)])).toEqual(refused)
      expect(await store().setLink(rid(1), lid(1), link(1, 2))).toEqual(refused)
      expect(await store().deleteLink(rid(1))).toEqual(refused)
      expect(await store().setNotifier(rid(1), notifier(1))).toEqual(refused)
      expect(await store().deleteNotifier(rid(1))).toEqual(refused)
      expect(await store().subscribe([{ recipientId: rid(1) }], "a")).toEqual([refused])
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toEqual({ result: "blocked", info })
      expect(accepted(await store().deleteQueue(rid(1))).messages).toBe(0)
    })

    it("deletes a queue with everything that belongs to it", async () => {
      const record = queue(1, {
        linkId: lid(1),
        notifier: notifier(1, { serviceId: serviceId(2) }),
        rcvServiceId: serviceId(1),
      })
      await store().createQueue(record, { linkData: link(1, 1) })
      for (const n of [1, 2, 3]) {
        await store().enqueue(rid(1), message(n), {
          quota: 2,
          notification: { ...notificationOf(n), notifierId: nid(1) },
        })
      }
      const { owner } = accepted((await store().subscribe([{ recipientId: rid(1), serviceId: serviceId(1) }], "a"))[0])
      expect(await store().counts()).toMatchObject({ queues: 1, messages: 2, notifications: 2, services: 0 })
      expect(await store().deleteQueue(rid(1))).toEqual({ ok: true, queue: record, messages: 2, owner })
      expect(await store().counts()).toMatchObject({ queues: 0, messages: 0, notifications: 0, services: 0 })

      for (const found of [
        await store().queueByRecipient(rid(1)),
        await store().queueBySender(sid(1)),
        await store().queueByNotifier(nid(1)),
        await store().queueByLink(lid(1)),
        await store().linkData(rid(1)),
        ...(await store().peek([rid(1)])).map(({ head }) => head),
      ]) {
        expect(found).toBeUndefined()
      }
      expect(await store().messages(rid(1))).toEqual([])
      expect(await store().notifications(nid(1), 10)).toEqual([])
      expect(await store().queueInfo(rid(1))).toEqual({ size: 0 })
      for (const [kind, n] of [
        ["messages", 1],
        ["notifications", 2],
      ] as const) {
        expect(await store().serviceQueues(serviceId(n), kind, { limit: 10 })).toEqual({ ids: [] })
      }
    })

    it("answers no-queue with the IDs of a deleted queue", async () => {
      await store().createQueue(queue(1, { notifier: notifier(1) }), { subscriber: "a" })
      const { owner } = accepted((await store().subscribe([{ recipientId: rid(1) }], "a"))[0])
      await store().deleteQueue(rid(1))
      const refused = { ok: false, refusal: "no-queue" }
      expect(await store().deleteQueue(rid(1))).toEqual(refused)
      expect(await store().setStatus(rid(1), { tag: "off" })).toEqual(refused)
      expect(await store().secure(rid(1), key(1), "recipient")).toEqual(refused)
      expect(await store().setLink(rid(1), lid(1), link(1, 1))).toEqual(refused)
      expect(await store().deleteLink(rid(1))).toEqual(refused)
      expect(await store().setNotifier(rid(1), notifier(2))).toEqual(refused)
      expect(await store().deleteNotifier(rid(1))).toEqual(refused)
      expect(await store().associateNotifier(nid(1), serviceId(1))).toEqual(refused)
      expect(await store().subscribe([{ recipientId: rid(1) }], "a")).toEqual([refused])
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toEqual({ result: "no-queue" })
      expect(await store().acknowledge(rid(1), id("message", 1), owner)).toEqual({ result: "no-queue" })
      expect(await store().acknowledge(rid(1), id("message", 1))).toEqual({ result: "no-queue" })
    })

    it("gives the IDs of a deleted queue to a new one without anything of the old", async () => {
      await store().createQueue(queue(1, { linkId: lid(1), notifier: notifier(1) }), {
        linkData: link(1, 1),
        subscriber: "a",
      })
      await store().enqueue(rid(1), message(1), QUOTA)
      await store().deleteQueue(rid(1))
      expect(await store().createQueue(queue(1))).toEqual({ created: true })
      expect(await store().queueInfo(rid(1))).toEqual({ size: 0 })
      expect(await store().linkData(rid(1))).toBeUndefined()
      expect(await store().enqueue(rid(1), message(2), QUOTA)).not.toHaveProperty("owner")
    })

    it("notes the day of the last use of known queues", async () => {
      await store().createQueue(queue(1))
      await store().createQueue(queue(2, { updatedAt: TODAY + 86_400 }))
      await store().touch([rid(1), rid(7), new Uint8Array(0), rid(2)], TODAY + 86_400)
      expect(await store().queueByRecipient(rid(1))).toEqual(queue(1, { updatedAt: TODAY + 86_400 }))
      expect(await store().queueByRecipient(rid(2))).toEqual(queue(2, { updatedAt: TODAY + 86_400 }))
      expect((await store().counts()).queues).toBe(2)
    })
  })
}

function notificationOf(n: number): { nonce: Uint8Array; encryptedMetadata: Uint8Array } {
  return { nonce: id("nonce", n), encryptedMetadata: new Uint8Array(144).fill(n) }
}
