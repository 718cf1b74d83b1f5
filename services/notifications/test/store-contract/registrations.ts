import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import type { TokenRecord } from "../../src/store/ntf-store.ts"
import { NOW, newToken, notification } from "./samples.ts"
import { type MakeStore, testedStore } from "./tested-store.ts"

/** Registrations of device tokens and their states (notifications.md §3.6, §3.7). */
export function registrationsContract(make: MakeStore): void {
  describe("registrations", () => {
    const { activeToken, pushes, statusOf, store, subscribed, subscriptionStatus, token } = testedStore(make)

    it("are found by id, and by device token and key", async () => {
      const made = await token()
      expect(await store().token(made.tokenId)).toEqual(made)
      expect(await store().registration(made.device, made.verifyKey)).toEqual(made)
      expect(await store().registration({ provider: "AT", token: utf8("other") }, made.verifyKey)).toBeUndefined()
      for (const id of [new Uint8Array(0), c.randomBytes(24), c.randomBytes(255)]) {
        expect(await store().token(id)).toBeUndefined()
      }
    })

    it("exist once for a device token and key, and side by side for several keys", async () => {
      const made = await token()
      expect(await store().createToken({ ...newToken(), verifyKey: made.verifyKey, device: made.device })).toBe("taken")
      expect(await store().createToken(newToken({ device: made.device }))).toBe("created")
      expect((await store().counts()).tokens).toBe(2)
    })

    it("leave a verification to be pushed, with the same code when they are repeated", async () => {
      const { tokenId, code } = await token()
      const push = { tokenId, kind: "verification" } as const
      expect(await pushes()).toEqual([push])
      const first = await store().pendingPush(push)
      expect(first?.token.code).toEqual(code)
      expect(await store().finishPush(push, first?.sequence ?? -1)).toBe(false)
      expect(await pushes()).toEqual([])
      expect((await store().repeatRegistration(tokenId))?.code).toEqual(code)
      expect(await store().finishPush(push, first?.sequence ?? -1)).toBe(true)
      expect(await pushes()).toEqual([push])
    })

    it("become active by their code alone, and only where their status allows it", async () => {
      const made = await token()
      expect(await store().activateToken(made.tokenId, c.randomBytes(32))).toBeUndefined()
      expect(await store().activateToken(made.tokenId, new Uint8Array(0))).toBeUndefined()
      expect(await statusOf(made)).toEqual({ type: "REGISTERED" })
      await store().confirmToken(made.tokenId, made.device)
      expect(await statusOf(made)).toEqual({ type: "CONFIRMED" })
      expect(await store().activateToken(made.tokenId, made.code)).toEqual([])
      expect(await store().activateToken(made.tokenId, made.code)).toEqual([])
      expect(await statusOf(made)).toEqual({ type: "ACTIVE" })
      await store().confirmToken(made.tokenId, made.device)
      expect(await statusOf(made)).toEqual({ type: "ACTIVE" })
      await store().invalidateToken(made.tokenId, made.device, "BAD")
      expect(await store().activateToken(made.tokenId, made.code)).toBeUndefined()
      expect((await store().repeatRegistration(made.tokenId))?.status).toEqual({ type: "REGISTERED" })
    })

    it("go when they are old and were never verified, and no others", async () => {
      const old = await Promise.all(Array.from({ length: 7 }, () => token({ seenDay: 100 })))
      const [seen, bad] = old as [TokenRecord, TokenRecord]
      await store().touchToken(seen.tokenId, 110)
      await store().invalidateToken(bad.tokenId, bad.device, "BAD")
      const fresh = await token({ seenDay: 110 })
      const active = await token({ seenDay: 100, device: { provider: "AT", token: utf8("active") } })
      await store().activateToken(active.tokenId, active.code)
      const moved = await token({ seenDay: 100, device: { provider: "AT", token: utf8("before") } })
      await store().activateToken(moved.tokenId, moved.code)
      await store().replaceToken(moved.tokenId, { provider: "AT", token: utf8("after") }, moved.code)
      const sweep = async (before: number): Promise<number> => {
        let removed = 0
        let after: Uint8Array | undefined
        do {
          const step = await store().removeUnverified(before, { after, limit: 2 })
          removed += step.removed
          after = step.next
        } while (after !== undefined)
        return removed
      }
      expect(await sweep(100)).toBe(0)
      expect(await sweep(110)).toBe(6)
      expect(await sweep(110)).toBe(0)
      for (const { tokenId } of [seen, fresh, active, moved]) expect(await store().token(tokenId)).toBeDefined()
      expect(await store().token(bad.tokenId)).toBeUndefined()
      expect(await store().registration(bad.device, bad.verifyKey)).toBeUndefined()
      expect(await store().counts()).toMatchObject({ tokens: 4, pushes: 4 })
      expect(await sweep(111)).toBe(2)
      expect(await store().token(seen.tokenId)).toBeUndefined()
    })

    it("that are verified end all others of the same device token", async () => {
      const old = await activeToken()
      const { notifierId, relayId } = await subscribed(old)
      const other = await activeToken("other")
      const fresh = await token({ device: old.device })
      expect(await statusOf(old)).toEqual({ type: "ACTIVE" })
      expect(await store().activateToken(fresh.tokenId, fresh.code)).toEqual([{ relayId, notifierId }])
      expect(await store().token(old.tokenId)).toBeUndefined()
      expect(await store().registration(old.device, old.verifyKey)).toBeUndefined()
      expect(await statusOf(other)).toEqual({ type: "ACTIVE" })
      expect(await store().counts()).toMatchObject({ tokens: 2, subscriptions: 0 })
    })

    it("get another device token, keep everything else, and are to be verified again", async () => {
      const made = await activeToken()
      const subscription = await subscribed(made)
      const device = { provider: "AT", token: utf8("efgh") } as const
      const code = c.randomBytes(32)
      expect(await store().replaceToken(made.tokenId, device, code)).toBe("replaced")
      expect(await store().token(made.tokenId)).toEqual({ ...made, device, code, status: { type: "REGISTERED" } })
      expect(await store().registration(made.device, made.verifyKey)).toBeUndefined()
      expect((await store().registration(device, made.verifyKey))?.tokenId).toEqual(made.tokenId)
      expect(await subscriptionStatus(subscription)).toEqual(["NEW", false])
      expect(await store().activateToken(made.tokenId, made.code)).toBeUndefined()
      expect(await store().replaceToken(c.randomBytes(24), device, code)).toBe("absent")
      const rival = await token({ verifyKey: made.verifyKey, device: { provider: "AT", token: utf8("rival") } })
      expect(await store().replaceToken(rival.tokenId, device, code)).toBe("taken")
    })

    it("ignore what is said about a device token that they had before", async () => {
      const made = await token()
      const device = { provider: "AT", token: utf8("efgh") } as const
      await store().replaceToken(made.tokenId, device, made.code)
      await store().invalidateToken(made.tokenId, made.device, "BAD")
      await store().confirmToken(made.tokenId, made.device)
      expect(await statusOf(made)).toEqual({ type: "REGISTERED" })
      await store().invalidateToken(made.tokenId, device, "UNREGISTERED")
      expect(await statusOf(made)).toEqual({ type: "INVALID", reason: "UNREGISTERED" })
    })

    it("go with everything that belongs to them", async () => {
      const made = await activeToken()
      const { notifierId, relayId } = await subscribed(made)
      await store().setPeriod(made.tokenId, 20, NOW)
      await store().recordNotifications(relayId, [notification(notifierId)], NOW)
      expect(await store().deleteToken(made.tokenId)).toEqual([{ relayId, notifierId }])
      expect(await store().deleteToken(made.tokenId)).toBeUndefined()
      expect(await store().counts()).toMatchObject({ tokens: 0, subscriptions: 0, notifications: 0, pushes: 0 })
      expect((await store().dueTokens(NOW * 2, { limit: 10 })).items).toEqual([])
      expect(await store().createToken(made)).toBe("created")
    })

    it("note the day of an access", async () => {
      const made = await token()
      await store().touchToken(made.tokenId, made.seenDay + 1)
      expect((await store().token(made.tokenId))?.seenDay).toBe(made.seenDay + 1)
    })
  })
}
