import { nativeCrypto as c } from "@sluice/crypto/native"
import { idsHash } from "@sluice/smp-protocol/ids-hash"
import { createServiceCredentials } from "@sluice/transport/identity"
import { describe, expect, it } from "vitest"
import { relayIdOf } from "../../src/store/context.ts"
import { NOW, relayAt } from "./samples.ts"
import { type MakeStore, testedStore } from "./tested-store.ts"

/** What is subscribed as a service at each relay, and its credentials (notifications.md §5.3). */
export function servicesContract(make: MakeStore): void {
  describe("services", () => {
    const { activeToken, store, subscribed, subscriptionStatus } = testedStore(make)

    it("count exactly what is associated and subscribed again", async () => {
      const made = await activeToken()
      const all = [await subscribed(made), await subscribed(made), await subscribed(made)] as const
      const [{ relayId }] = all
      const counters = async () => (await store().relay(relayId))?.counters
      const ids = all.map(({ notifierId }) => notifierId)
      const associate = ids.map((notifierId) => ({ notifierId, status: { type: "ACTIVE" } as const, associated: true }))
      await store().updateSubscriptions(relayId, associate)
      await store().updateSubscriptions(relayId, associate)
      expect(await counters()).toEqual({ count: 3n, hash: idsHash(c, ids) })
      await store().updateSubscriptions(relayId, [{ notifierId: all[0].notifierId, status: { type: "END" } }])
      expect(await counters()).toEqual({ count: 2n, hash: idsHash(c, ids.slice(1)) })
      await store().deleteSubscription(all[1].subscriptionId)
      expect(await counters()).toEqual({ count: 1n, hash: idsHash(c, ids.slice(2)) })
      await store().deleteToken(made.tokenId)
      expect(await counters()).toEqual({ count: 0n, hash: new Uint8Array(16) })
    })

    it("lose all associations when the relay has another id for us", async () => {
      const subscription = await subscribed(await activeToken())
      const { relayId, notifierId } = subscription
      const serviceId = c.randomBytes(24)
      await store().setService(relayId, serviceId)
      const status = { type: "ACTIVE" } as const
      await store().updateSubscriptions(relayId, [{ notifierId, status, associated: true }])
      expect(await subscriptionStatus(subscription)).toEqual(["ACTIVE", true])
      expect((await store().subscriptionsToMake(relayId, { limit: 10 })).items).toEqual([])
      // What is said about its status alone changes nothing else.
      await store().updateSubscriptions(relayId, [{ notifierId, status }])
      expect((await store().relay(relayId))?.serviceId).toEqual(serviceId)
      await store().setService(relayId, c.randomBytes(24))
      expect(await subscriptionStatus(subscription)).toEqual(["ACTIVE", false])
      expect((await store().subscriptionsToMake(relayId, { limit: 10 })).items).toHaveLength(1)
      expect((await store().relay(relayId))?.counters).toEqual({ count: 0n, hash: new Uint8Array(16) })
    })

    it("keep one certificate for each relay until it is forgotten", async () => {
      const { relayId } = await subscribed(await activeToken())
      const credentials = createServiceCredentials(c, { now: NOW })
      expect((await store().keepCredentials(relayId, credentials))?.fingerprint).toEqual(credentials.fingerprint)
      const second = await store().keepCredentials(relayId, createServiceCredentials(c, { now: NOW }))
      expect(second?.fingerprint).toEqual(credentials.fingerprint)
      await store().setService(relayId, c.randomBytes(24))
      expect((await store().relay(relayId))?.credentials?.chain).toEqual(credentials.chain)
      await store().setService(relayId, undefined, true)
      expect(await store().relay(relayId)).toMatchObject({ serviceId: undefined, credentials: undefined })
      expect(await store().keepCredentials(c.randomBytes(16), credentials)).toBeUndefined()
    })

    it("are listed with the relays that have subscriptions", async () => {
      const made = await activeToken()
      await subscribed(made, relayAt("one"))
      const two = await subscribed(made, relayAt("two"))
      expect((await store().relays({ limit: 10 })).items.map(({ server }) => server.hosts[0]).sort()).toEqual([
        "one",
        "two",
      ])
      await store().setUp(two.relayId, true)
      expect((await store().relay(two.relayId))?.up).toBe(true)
      await store().deleteSubscription(two.subscriptionId)
      expect((await store().relays({ limit: 10 })).items).toHaveLength(1)
      expect(relayIdOf(c, relayAt("two"))).toEqual(two.relayId)
    })
  })
}
