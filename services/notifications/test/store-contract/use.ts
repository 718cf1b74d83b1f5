import { nativeCrypto as c } from "@sluice/crypto/native"
import { describe, expect, it } from "vitest"
import { relayIdOf } from "../../src/store/context.ts"
import { StoreError } from "../../src/store/store-error.ts"
import { NOW, newSubscription, newToken, notification, relayAt } from "./samples.ts"
import { type MakeStore, testedStore } from "./tested-store.ts"

/** Many operations at a time, and the end of a store. */
export function useContract(make: MakeStore): void {
  describe("in use", () => {
    const { activeToken, store } = testedStore(make)

    it("does many changes at the same time, each whole", async () => {
      const made = await activeToken()
      const asked = Array.from({ length: 60 }, () => newSubscription(made.tokenId, relayAt("one")))
      const created = await Promise.all(
        asked.map((one) => store().createSubscription(one, { subscriptions: 50, relays: 1 })),
      )
      expect(created.filter(({ result }) => result === "created")).toHaveLength(50)
      expect((await store().relay(relayIdOf(c, relayAt("one"))))?.total).toBe(50)
      const [first] = asked
      if (first === undefined) throw new Error("none")
      const batches = Array.from({ length: 20 }, (_, i) =>
        store().recordNotifications(relayIdOf(c, relayAt("one")), [notification(first.notifierId, i)], NOW),
      )
      await Promise.all(batches)
      const pending = await store().pendingPush({ tokenId: made.tokenId, kind: "message" })
      expect(pending?.entries.map(({ nonce }) => nonce[0])).toEqual([19])
    })

    it("refuses everything once it is closed, by its own error", async () => {
      await store().check()
      await store().close()
      await expect(store().counts()).rejects.toBeInstanceOf(StoreError)
      await expect(store().createToken(newToken())).rejects.toBeInstanceOf(StoreError)
    })
  })
}
