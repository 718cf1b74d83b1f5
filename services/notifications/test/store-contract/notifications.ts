import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { relayIdOf } from "../../src/store/context.ts"
import { contentOf, NOW, notification, relayAt } from "./samples.ts"
import { type MakeStore, testedStore } from "./tested-store.ts"

/** Last notifications of queues, and the pushes that they make (notifications.md §5.4). */
export function notificationsContract(make: MakeStore): void {
  describe("notifications", () => {
    const { activeToken, pushes, store, subscribed, token } = testedStore(make)

    it("are kept as the last of their queues, the 6 newest of a token, oldest first", async () => {
      const made = await activeToken()
      const push = { tokenId: made.tokenId, kind: "message" } as const
      const queues = []
      for (let i = 0; i < 7; i++) queues.push(await subscribed(made, relayAt(i % 2 === 0 ? "one" : "two")))
      for (const [i, { relayId, notifierId }] of queues.entries()) {
        const recorded = await store().recordNotifications(relayId, [notification(notifierId, i)], NOW + i)
        expect(recorded).toEqual({ tokens: [made.tokenId], unwanted: 0 })
      }
      const last = queues.slice(1)
      const entries = async () => (await store().pendingPush(push))?.entries
      expect(await entries()).toEqual(
        last.map(({ server, notifierId }, i) => ({
          queue: { server, notifierId },
          time: NOW + i + 1,
          ...contentOf(i + 1),
        })),
      )
      const [, again] = queues
      if (again === undefined) throw new Error("no queue")
      await store().recordNotifications(again.relayId, [notification(again.notifierId, 9)], NOW + 9)
      const now = await entries()
      expect(now).toHaveLength(6)
      expect(now?.at(-1)).toMatchObject({ time: NOW + 9, ...contentOf(9) })
      expect((await store().counts()).notifications).toBe(6)
    })

    it("of one batch make one push for a token, with all of them", async () => {
      const made = await activeToken()
      const one = await subscribed(made)
      const two = await subscribed(made)
      const batch = [notification(one.notifierId, 1), notification(two.notifierId, 2), notification(one.notifierId, 3)]
      expect(await store().recordNotifications(one.relayId, batch, NOW)).toEqual({
        tokens: [made.tokenId],
        unwanted: 0,
      })
      const pending = await store().pendingPush({ tokenId: made.tokenId, kind: "message" })
      expect(pending?.entries.map(({ nonce }) => nonce[0])).toEqual([2, 3])
    })

    it("are unwanted without a queue or an active token", async () => {
      const made = await activeToken()
      const { notifierId, relayId } = await subscribed(made)
      const other = relayIdOf(c, relayAt("two"))
      expect(await store().recordNotifications(other, [notification(notifierId)], NOW)).toEqual({
        tokens: [],
        unwanted: 1,
      })
      expect(await store().recordNotifications(relayId, [notification(c.randomBytes(24))], NOW)).toMatchObject({
        unwanted: 1,
      })
      await store().invalidateToken(made.tokenId, made.device, "BAD")
      expect(await store().recordNotifications(relayId, [notification(notifierId)], NOW)).toMatchObject({ unwanted: 1 })
      expect((await pushes()).filter(({ kind }) => kind === "message")).toEqual([])
    })

    it("that come while one is pushed are pushed after it", async () => {
      const made = await activeToken()
      const { notifierId, relayId } = await subscribed(made)
      const push = { tokenId: made.tokenId, kind: "message" } as const
      await store().recordNotifications(relayId, [notification(notifierId, 1)], NOW)
      const first = await store().pendingPush(push)
      await store().recordNotifications(relayId, [notification(notifierId, 2)], NOW)
      expect(await store().finishPush(push, first?.sequence ?? -1)).toBe(true)
      const second = await store().pendingPush(push)
      expect(second?.entries.map(({ nonce }) => nonce[0])).toEqual([2])
      expect(await store().finishPush(push, second?.sequence ?? -1)).toBe(false)
      expect(await store().pendingPush(push)).toBeUndefined()
      // They stay for the pushes of other queues.
      expect((await store().counts()).notifications).toBe(1)
    })

    it("wait page by page until they are pushed", async () => {
      const ids = new Set<string>()
      for (let i = 0; i < 5; i++)
        ids.add((await token({ device: { provider: "AT", token: utf8(`t${i}`) } })).tokenId.join())
      const found = new Set<string>()
      let after: Uint8Array | undefined
      do {
        const page = await store().pendingPushes({ after, limit: 2 })
        for (const { tokenId } of page.items) found.add(tokenId.join())
        after = page.next
      } while (after !== undefined)
      expect(found).toEqual(ids)
    })
  })
}
