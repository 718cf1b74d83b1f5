import { describe, expect, it } from "vitest"
import type { BlockingInfo } from "../../src/records.ts"
import { accepted, message, QUOTA, queue, rid } from "../fixtures.ts"
import { freshStore, type MakeStore } from "./make-store.ts"

const SPAM: BlockingInfo = { reason: "spam" }
const CONTENT: BlockingInfo = { reason: "content", notice: { ttl: 60 } }

/** Blocking and unblocking by an operator (relay-operations.md §7). */
export function blockingContract(make: MakeStore): void {
  describe("blocking", () => {
    const store = freshStore(make)
    const status = async () => (await store().queueByRecipient(rid(1)))?.status

    it("tells the status before and the owner, and gives the queue back as it was", async () => {
      await store().createQueue(queue(1))
      const { owner } = accepted((await store().subscribe([{ recipientId: rid(1) }], "a"))[0])
      const blocked = queue(1, { status: { tag: "blocked", info: SPAM } })
      expect(await store().block(rid(1), SPAM)).toEqual({
        ok: true,
        queue: blocked,
        previous: { tag: "active" },
        owner,
      })
      expect(await store().queueByRecipient(rid(1))).toEqual(blocked)
      expect(accepted(await store().block(rid(1), CONTENT)).previous).toEqual({ tag: "blocked", info: SPAM })
      expect(await status()).toEqual({ tag: "blocked", info: CONTENT })
      const previous = { tag: "blocked", info: CONTENT }
      expect(accepted(await store().unblock(rid(1)))).toMatchObject({ queue: queue(1), previous })
      expect(await store().queueByRecipient(rid(1))).toEqual(queue(1))
    })

    it("leaves a suspended queue suspended beneath the block", async () => {
      await store().createQueue(queue(1))
      await store().setStatus(rid(1), { tag: "off" })
      expect(accepted(await store().block(rid(1), SPAM)).previous).toEqual({ tag: "off" })
      accepted(await store().block(rid(1), CONTENT))
      expect(await status()).toEqual({ tag: "blocked", info: CONTENT, suspended: true })
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toEqual({ result: "blocked", info: CONTENT })
      expect(accepted(await store().unblock(rid(1))).queue.status).toEqual({ tag: "off" })
      expect(await store().enqueue(rid(1), message(1), QUOTA)).toEqual({ result: "off" })
    })

    it("is ended by suspending the queue", async () => {
      await store().createQueue(queue(1))
      await store().block(rid(1), SPAM)
      expect(accepted(await store().setStatus(rid(1), { tag: "off" })).previous).toEqual({ tag: "blocked", info: SPAM })
      expect(await status()).toEqual({ tag: "off" })
    })

    it.each(["active", "off"] as const)("is not taken back where there is none: %s", async (tag) => {
      await store().createQueue(queue(1, { status: { tag } }))
      const unchanged = { ok: true, queue: queue(1, { status: { tag } }), previous: { tag } }
      expect(await store().unblock(rid(1))).toEqual(unchanged)
      expect(await status()).toEqual({ tag })
    })

    it("needs a queue", async () => {
      for (const id of [rid(1), new Uint8Array(0), new Uint8Array(256)]) {
        expect(await store().block(id, SPAM)).toEqual({ ok: false, refusal: "no-queue" })
        expect(await store().unblock(id)).toEqual({ ok: false, refusal: "no-queue" })
      }
    })
  })
}
