import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { NOW } from "./samples.ts"
import { type MakeStore, testedStore } from "./tested-store.ts"

/** Which registrations are due for a periodic push (notifications.md §6.5). */
export function periodicPushesContract(make: MakeStore): void {
  describe("periodic pushes", () => {
    const { activeToken, store, token } = testedStore(make)

    it("are due a period after they were switched on, and after each that was sent", async () => {
      const made = await activeToken()
      const due = async (at: number) => (await store().dueTokens(at, { limit: 10 })).items.length
      expect(await due(NOW * 2)).toBe(0)
      expect(await store().setPeriod(made.tokenId, 20, NOW)).toBe(true)
      expect(await due(NOW + 1200)).toBe(0)
      expect(await due(NOW + 1201)).toBe(1)
      await store().cronSent(made.tokenId, NOW + 1201)
      expect(await due(NOW + 1300)).toBe(0)
      // Asking for it again does not put it off.
      await store().setPeriod(made.tokenId, 20, NOW + 2000)
      expect(await due(NOW + 2402)).toBe(1)
      await store().setPeriod(made.tokenId, 0, NOW)
      expect(await due(NOW * 2)).toBe(0)
      expect(await store().setPeriod(c.randomBytes(24), 20, NOW)).toBe(false)
    })

    it("are for active tokens, found page by page", async () => {
      for (let i = 0; i < 5; i++) await store().setPeriod((await activeToken(`t${i}`)).tokenId, 30, NOW)
      const { tokenId } = await token({ device: { provider: "AT", token: utf8("registered") } })
      await store().setPeriod(tokenId, 30, NOW)
      let found = 0
      let after: Uint8Array | undefined
      do {
        const page = await store().dueTokens(NOW * 2, { after, limit: 2 })
        found += page.items.length
        after = page.next
      } while (after !== undefined)
      expect(found).toBe(5)
    })
  })
}
