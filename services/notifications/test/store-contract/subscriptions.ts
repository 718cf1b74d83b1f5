import { nativeCrypto as c } from "@sluice/crypto/native"
import { describe, expect, it } from "vitest"
import { LIMITS, NOW, newSubscription, notification, relayAt } from "./samples.ts"
import { type MakeStore, testedStore } from "./tested-store.ts"

/** Subscriptions to queues, and those that are to be made one by one. */
export function subscriptionsContract(make: MakeStore): void {
  describe("subscriptions", () => {
    const { activeToken, store, subscribed } = testedStore(make)

    it("exist once for a queue: the same token and key find it again, all others are refused", async () => {
      const made = await activeToken()
      const asked = newSubscription(made.tokenId, relayAt("one"))
      const created = await store().createSubscription(asked, LIMITS)
      expect(created).toMatchObject({ result: "created", subscription: { ...asked, status: { type: "NEW" } } })
      const again = { ...asked, subscriptionId: c.randomBytes(24) }
      expect(await store().createSubscription(again, LIMITS)).toEqual({
        result: "exists",
        subscriptionId: asked.subscriptionId,
      })
      const otherKey = { ...again, notifierKey: c.generateKeyPair("ed25519").privateKey }
      expect(await store().createSubscription(otherKey, LIMITS)).toEqual({ result: "refused" })
      const other = await activeToken("other")
      expect(await store().createSubscription({ ...again, tokenId: other.tokenId }, LIMITS)).toEqual({
        result: "refused",
      })
      const gone = newSubscription(c.randomBytes(24), relayAt("one"))
      expect(await store().createSubscription(gone, LIMITS)).toEqual({ result: "refused" })
      expect((await store().subscription(asked.subscriptionId))?.token.tokenId).toEqual(made.tokenId)
    })

    it("are bounded for a token, and so are its relays", async () => {
      const made = await activeToken()
      const limits = { subscriptions: 3, relays: 2 }
      const ask = async (relay: string) =>
        (await store().createSubscription(newSubscription(made.tokenId, relayAt(relay)), limits)).result
      expect([await ask("one"), await ask("two"), await ask("three"), await ask("one"), await ask("one")]).toEqual([
        ...["created", "created", "limit", "created", "limit"],
      ])
    })

    it("are deleted with their last notification, and can be made again", async () => {
      const made = await activeToken()
      const { subscriptionId, notifierId, relayId, ...rest } = await subscribed(made)
      await store().recordNotifications(relayId, [notification(notifierId)], NOW)
      expect(await store().deleteSubscription(subscriptionId)).toEqual({ relayId, notifierId })
      expect(await store().deleteSubscription(subscriptionId)).toBeUndefined()
      expect(await store().counts()).toMatchObject({ subscriptions: 0, notifications: 0 })
      expect((await store().relays({ limit: 10 })).items).toEqual([])
      const { result } = await store().createSubscription({ ...rest, subscriptionId, notifierId }, LIMITS)
      expect(result).toBe("created")
    })

    it("are paged by relay: those to be made one by one", async () => {
      const made = await activeToken()
      const all = []
      for (let i = 0; i < 7; i++) all.push(await subscribed(made))
      await subscribed(made, relayAt("two"))
      const [first, second, third] = all
      if (first === undefined || second === undefined || third === undefined) throw new Error("no subscriptions")
      const { relayId } = first
      await store().updateSubscriptions(relayId, [
        { notifierId: first.notifierId, status: { type: "END" } },
        { notifierId: second.notifierId, status: { type: "ACTIVE" }, associated: true },
        { notifierId: third.notifierId, status: { type: "ACTIVE" }, associated: false },
        { notifierId: c.randomBytes(24), status: { type: "ACTIVE" } },
      ])
      let found = 0
      let after: Uint8Array | undefined
      do {
        const page = await store().subscriptionsToMake(relayId, { after, limit: 2 })
        found += page.items.length
        after = page.next
      } while (after !== undefined)
      expect(found).toBe(5)
      const some = await store().subscriptionsOf(relayId, [first.notifierId, third.notifierId, c.randomBytes(24)])
      expect(some.map(({ subscriptionId }) => subscriptionId)).toEqual([third.subscriptionId])
    })

    it("keep every status", async () => {
      const subscription = await subscribed(await activeToken())
      const { relayId, notifierId } = subscription
      for (const status of [
        ...(["NEW", "PENDING", "ACTIVE", "INACTIVE", "END", "DELETED", "AUTH", "SERVICE"] as const).map((type) => ({
          type,
        })),
        { type: "ERR", text: "SMP error QUOTA" } as const,
      ]) {
        expect(await store().updateSubscriptions(relayId, [{ notifierId, status }])).toBe(1)
        expect((await store().subscription(subscription.subscriptionId))?.subscription.status).toEqual(status)
      }
    })
  })
}
