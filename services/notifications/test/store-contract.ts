import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import { formatSubscriptionStatus } from "@sluice/ntf-protocol/status"
import { idsHash } from "@sluice/smp-protocol/ids-hash"
import { createServiceCredentials } from "@sluice/transport/identity"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { relayIdOf } from "../src/store/context.ts"
import type { NtfStore, SubscriptionRecord, TokenRecord } from "../src/store/ntf-store.ts"
import { StoreError } from "../src/store/store-error.ts"

const LIMITS = { subscriptions: 100, relays: 5 }
const NOW = 1_700_000_000

/** What a store must hold to: every implementation runs this suite. `make` gives an empty store. */
export function ntfStoreContract(make: () => Promise<NtfStore>): void {
  let store: NtfStore

  beforeEach(async () => {
    store = await make()
  })

  afterEach(() => store.close())

  async function token(options: Partial<TokenRecord> = {}): Promise<TokenRecord> {
    const made = newToken(options)
    expect(await store.createToken(made)).toBe("created")
    return made
  }

  async function activeToken(text = "abcd"): Promise<TokenRecord> {
    const made = await token({ device: { provider: "AT", token: utf8(text) } })
    expect(await store.activateToken(made.tokenId, made.code)).toEqual([])
    return made
  }

  async function subscribed({ tokenId }: TokenRecord, server: Server = relayAt("one")): Promise<SubscriptionRecord> {
    const created = await store.createSubscription(newSubscription(tokenId, server), LIMITS)
    if (created.result !== "created") throw new Error(created.result)
    return created.subscription
  }

  const statusOf = async ({ tokenId }: TokenRecord) => (await store.token(tokenId))?.status
  const subscriptionStatus = async ({ subscriptionId }: SubscriptionRecord) => {
    const found = await store.subscription(subscriptionId)
    return found && [formatSubscriptionStatus(found.subscription.status), found.subscription.associated]
  }
  const pushes = async () => (await store.pendingPushes({ limit: 100 })).items

  describe("registrations", () => {
    it("are found by id, and by device token and key", async () => {
      const made = await token()
      expect(await store.token(made.tokenId)).toEqual(made)
      expect(await store.registration(made.device, made.verifyKey)).toEqual(made)
      expect(await store.registration({ provider: "AT", token: utf8("other") }, made.verifyKey)).toBeUndefined()
      for (const id of [new Uint8Array(0), c.randomBytes(24), c.randomBytes(255)]) {
        expect(await store.token(id)).toBeUndefined()
      }
    })

    it("exist once for a device token and key, and side by side for several keys", async () => {
      const made = await token()
      expect(await store.createToken({ ...newToken(), verifyKey: made.verifyKey, device: made.device })).toBe("taken")
      expect(await store.createToken(newToken({ device: made.device }))).toBe("created")
      expect((await store.counts()).tokens).toBe(2)
    })

    it("leave a verification to be pushed, with the same code when they are repeated", async () => {
      const { tokenId, code } = await token()
      const push = { tokenId, kind: "verification" } as const
      expect(await pushes()).toEqual([push])
      const first = await store.pendingPush(push)
      expect(first?.token.code).toEqual(code)
      expect(await store.finishPush(push, first?.sequence ?? -1)).toBe(false)
      expect(await pushes()).toEqual([])
      expect((await store.repeatRegistration(tokenId))?.code).toEqual(code)
      expect(await store.finishPush(push, first?.sequence ?? -1)).toBe(true)
      expect(await pushes()).toEqual([push])
    })

    it("become active by their code alone, and only where their status allows it", async () => {
      const made = await token()
      expect(await store.activateToken(made.tokenId, c.randomBytes(32))).toBeUndefined()
      expect(await store.activateToken(made.tokenId, new Uint8Array(0))).toBeUndefined()
      expect(await statusOf(made)).toEqual({ type: "REGISTERED" })
      await store.confirmToken(made.tokenId, made.device)
      expect(await statusOf(made)).toEqual({ type: "CONFIRMED" })
      expect(await store.activateToken(made.tokenId, made.code)).toEqual([])
      expect(await store.activateToken(made.tokenId, made.code)).toEqual([])
      expect(await statusOf(made)).toEqual({ type: "ACTIVE" })
      await store.confirmToken(made.tokenId, made.device)
      expect(await statusOf(made)).toEqual({ type: "ACTIVE" })
      await store.invalidateToken(made.tokenId, made.device, "BAD")
      expect(await store.activateToken(made.tokenId, made.code)).toBeUndefined()
      expect((await store.repeatRegistration(made.tokenId))?.status).toEqual({ type: "REGISTERED" })
    })

    it("go when they are old and were never verified, and no others", async () => {
      const old = await Promise.all(Array.from({ length: 7 }, () => token({ seenDay: 100 })))
      const [seen, bad] = old as [TokenRecord, TokenRecord]
      await store.touchToken(seen.tokenId, 110)
      await store.invalidateToken(bad.tokenId, bad.device, "BAD")
      const fresh = await token({ seenDay: 110 })
      const active = await token({ seenDay: 100, device: { provider: "AT", token: utf8("active") } })
      await store.activateToken(active.tokenId, active.code)
      const moved = await token({ seenDay: 100, device: { provider: "AT", token: utf8("before") } })
      await store.activateToken(moved.tokenId, moved.code)
      await store.replaceToken(moved.tokenId, { provider: "AT", token: utf8("after") }, moved.code)
      const sweep = async (before: number): Promise<number> => {
        let removed = 0
        let after: Uint8Array | undefined
        do {
          const step = await store.removeUnverified(before, { after, limit: 2 })
          removed += step.removed
          after = step.next
        } while (after !== undefined)
        return removed
      }
      expect(await sweep(100)).toBe(0)
      expect(await sweep(110)).toBe(6)
      expect(await sweep(110)).toBe(0)
      for (const { tokenId } of [seen, fresh, active, moved]) expect(await store.token(tokenId)).toBeDefined()
      expect(await store.token(bad.tokenId)).toBeUndefined()
      expect(await store.registration(bad.device, bad.verifyKey)).toBeUndefined()
      expect(await store.counts()).toMatchObject({ tokens: 4, pushes: 4 })
      expect(await sweep(111)).toBe(2)
      expect(await store.token(seen.tokenId)).toBeUndefined()
    })

    it("that are verified end all others of the same device token", async () => {
      const old = await activeToken()
      const { notifierId, relayId } = await subscribed(old)
      const other = await activeToken("other")
      const fresh = await token({ device: old.device })
      expect(await statusOf(old)).toEqual({ type: "ACTIVE" })
      expect(await store.activateToken(fresh.tokenId, fresh.code)).toEqual([{ relayId, notifierId }])
      expect(await store.token(old.tokenId)).toBeUndefined()
      expect(await store.registration(old.device, old.verifyKey)).toBeUndefined()
      expect(await statusOf(other)).toEqual({ type: "ACTIVE" })
      expect(await store.counts()).toMatchObject({ tokens: 2, subscriptions: 0 })
    })

    it("get another device token, keep everything else, and are to be verified again", async () => {
      const made = await activeToken()
      const subscription = await subscribed(made)
      const device = { provider: "AT", token: utf8("efgh") } as const
      const code = c.randomBytes(32)
      expect(await store.replaceToken(made.tokenId, device, code)).toBe("replaced")
      expect(await store.token(made.tokenId)).toEqual({ ...made, device, code, status: { type: "REGISTERED" } })
      expect(await store.registration(made.device, made.verifyKey)).toBeUndefined()
      expect((await store.registration(device, made.verifyKey))?.tokenId).toEqual(made.tokenId)
      expect(await subscriptionStatus(subscription)).toEqual(["NEW", false])
      expect(await store.activateToken(made.tokenId, made.code)).toBeUndefined()
      expect(await store.replaceToken(c.randomBytes(24), device, code)).toBe("absent")
      const rival = await token({ verifyKey: made.verifyKey, device: { provider: "AT", token: utf8("rival") } })
      expect(await store.replaceToken(rival.tokenId, device, code)).toBe("taken")
    })

    it("ignore what is said about a device token that they had before", async () => {
      const made = await token()
      const device = { provider: "AT", token: utf8("efgh") } as const
      await store.replaceToken(made.tokenId, device, made.code)
      await store.invalidateToken(made.tokenId, made.device, "BAD")
      await store.confirmToken(made.tokenId, made.device)
      expect(await statusOf(made)).toEqual({ type: "REGISTERED" })
      await store.invalidateToken(made.tokenId, device, "UNREGISTERED")
      expect(await statusOf(made)).toEqual({ type: "INVALID", reason: "UNREGISTERED" })
    })

    it("go with everything that belongs to them", async () => {
      const made = await activeToken()
      const { notifierId, relayId } = await subscribed(made)
      await store.setPeriod(made.tokenId, 20, NOW)
      await store.recordNotifications(relayId, [notification(notifierId)], NOW)
      expect(await store.deleteToken(made.tokenId)).toEqual([{ relayId, notifierId }])
      expect(await store.deleteToken(made.tokenId)).toBeUndefined()
      expect(await store.counts()).toMatchObject({ tokens: 0, subscriptions: 0, notifications: 0, pushes: 0 })
      expect((await store.dueTokens(NOW * 2, { limit: 10 })).items).toEqual([])
      expect(await store.createToken(made)).toBe("created")
    })

    it("note the day of an access", async () => {
      const made = await token()
      await store.touchToken(made.tokenId, made.seenDay + 1)
      expect((await store.token(made.tokenId))?.seenDay).toBe(made.seenDay + 1)
    })
  })

  describe("periodic pushes", () => {
    it("are due a period after they were switched on, and after each that was sent", async () => {
      const made = await activeToken()
      const due = async (at: number) => (await store.dueTokens(at, { limit: 10 })).items.length
      expect(await due(NOW * 2)).toBe(0)
      expect(await store.setPeriod(made.tokenId, 20, NOW)).toBe(true)
      expect(await due(NOW + 1200)).toBe(0)
      expect(await due(NOW + 1201)).toBe(1)
      await store.cronSent(made.tokenId, NOW + 1201)
      expect(await due(NOW + 1300)).toBe(0)
      // Asking for it again does not put it off.
      await store.setPeriod(made.tokenId, 20, NOW + 2000)
      expect(await due(NOW + 2402)).toBe(1)
      await store.setPeriod(made.tokenId, 0, NOW)
      expect(await due(NOW * 2)).toBe(0)
      expect(await store.setPeriod(c.randomBytes(24), 20, NOW)).toBe(false)
    })

    it("are for active tokens, found page by page", async () => {
      for (let i = 0; i < 5; i++) await store.setPeriod((await activeToken(`t${i}`)).tokenId, 30, NOW)
      const { tokenId } = await token({ device: { provider: "AT", token: utf8("registered") } })
      await store.setPeriod(tokenId, 30, NOW)
      let found = 0
      let after: Uint8Array | undefined
      do {
        const page = await store.dueTokens(NOW * 2, { after, limit: 2 })
        found += page.items.length
        after = page.next
      } while (after !== undefined)
      expect(found).toBe(5)
    })
  })

  describe("subscriptions", () => {
    it("exist once for a queue: the same token and key find it again, all others are refused", async () => {
      const made = await activeToken()
      const asked = newSubscription(made.tokenId, relayAt("one"))
      const created = await store.createSubscription(asked, LIMITS)
      expect(created).toMatchObject({ result: "created", subscription: { ...asked, status: { type: "NEW" } } })
      const again = { ...asked, subscriptionId: c.randomBytes(24) }
      expect(await store.createSubscription(again, LIMITS)).toEqual({
        result: "exists",
        subscriptionId: asked.subscriptionId,
      })
      const otherKey = { ...again, notifierKey: c.generateKeyPair("ed25519").privateKey }
      expect(await store.createSubscription(otherKey, LIMITS)).toEqual({ result: "refused" })
      const other = await activeToken("other")
      expect(await store.createSubscription({ ...again, tokenId: other.tokenId }, LIMITS)).toEqual({
        result: "refused",
      })
      const gone = newSubscription(c.randomBytes(24), relayAt("one"))
      expect(await store.createSubscription(gone, LIMITS)).toEqual({ result: "refused" })
      expect((await store.subscription(asked.subscriptionId))?.token.tokenId).toEqual(made.tokenId)
    })

    it("are bounded for a token, and so are its relays", async () => {
      const made = await activeToken()
      const limits = { subscriptions: 3, relays: 2 }
      const ask = async (relay: string) =>
        (await store.createSubscription(newSubscription(made.tokenId, relayAt(relay)), limits)).result
      expect([await ask("one"), await ask("two"), await ask("three"), await ask("one"), await ask("one")]).toEqual([
        ...["created", "created", "limit", "created", "limit"],
      ])
    })

    it("are deleted with their last notification, and can be made again", async () => {
      const made = await activeToken()
      const { subscriptionId, notifierId, relayId, ...rest } = await subscribed(made)
      await store.recordNotifications(relayId, [notification(notifierId)], NOW)
      expect(await store.deleteSubscription(subscriptionId)).toEqual({ relayId, notifierId })
      expect(await store.deleteSubscription(subscriptionId)).toBeUndefined()
      expect(await store.counts()).toMatchObject({ subscriptions: 0, notifications: 0 })
      expect((await store.relays({ limit: 10 })).items).toEqual([])
      const { result } = await store.createSubscription({ ...rest, subscriptionId, notifierId }, LIMITS)
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
      await store.updateSubscriptions(relayId, [
        { notifierId: first.notifierId, status: { type: "END" } },
        { notifierId: second.notifierId, status: { type: "ACTIVE" }, associated: true },
        { notifierId: third.notifierId, status: { type: "ACTIVE" }, associated: false },
        { notifierId: c.randomBytes(24), status: { type: "ACTIVE" } },
      ])
      let found = 0
      let after: Uint8Array | undefined
      do {
        const page = await store.subscriptionsToMake(relayId, { after, limit: 2 })
        found += page.items.length
        after = page.next
      } while (after !== undefined)
      expect(found).toBe(5)
      const some = await store.subscriptionsOf(relayId, [first.notifierId, third.notifierId, c.randomBytes(24)])
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
        expect(await store.updateSubscriptions(relayId, [{ notifierId, status }])).toBe(1)
        expect((await store.subscription(subscription.subscriptionId))?.subscription.status).toEqual(status)
      }
    })
  })

  describe("services", () => {
    it("count exactly what is associated and subscribed again", async () => {
      const made = await activeToken()
      const all = [await subscribed(made), await subscribed(made), await subscribed(made)] as const
      const [{ relayId }] = all
      const counters = async () => (await store.relay(relayId))?.counters
      const ids = all.map(({ notifierId }) => notifierId)
      const associate = ids.map((notifierId) => ({ notifierId, status: { type: "ACTIVE" } as const, associated: true }))
      await store.updateSubscriptions(relayId, associate)
      await store.updateSubscriptions(relayId, associate)
      expect(await counters()).toEqual({ count: 3n, hash: idsHash(c, ids) })
      await store.updateSubscriptions(relayId, [{ notifierId: all[0].notifierId, status: { type: "END" } }])
      expect(await counters()).toEqual({ count: 2n, hash: idsHash(c, ids.slice(1)) })
      await store.deleteSubscription(all[1].subscriptionId)
      expect(await counters()).toEqual({ count: 1n, hash: idsHash(c, ids.slice(2)) })
      await store.deleteToken(made.tokenId)
      expect(await counters()).toEqual({ count: 0n, hash: new Uint8Array(16) })
    })

    it("lose all associations when the relay has another id for us", async () => {
      const subscription = await subscribed(await activeToken())
      const { relayId, notifierId } = subscription
      const serviceId = c.randomBytes(24)
      await store.setService(relayId, serviceId)
      const status = { type: "ACTIVE" } as const
      await store.updateSubscriptions(relayId, [{ notifierId, status, associated: true }])
      expect(await subscriptionStatus(subscription)).toEqual(["ACTIVE", true])
      expect((await store.subscriptionsToMake(relayId, { limit: 10 })).items).toEqual([])
      // What is said about its status alone changes nothing else.
      await store.updateSubscriptions(relayId, [{ notifierId, status }])
      expect((await store.relay(relayId))?.serviceId).toEqual(serviceId)
      await store.setService(relayId, c.randomBytes(24))
      expect(await subscriptionStatus(subscription)).toEqual(["ACTIVE", false])
      expect((await store.subscriptionsToMake(relayId, { limit: 10 })).items).toHaveLength(1)
      expect((await store.relay(relayId))?.counters).toEqual({ count: 0n, hash: new Uint8Array(16) })
    })

    it("keep one certificate for each relay until it is forgotten", async () => {
      const { relayId } = await subscribed(await activeToken())
      const credentials = createServiceCredentials(c, { now: NOW })
      expect((await store.keepCredentials(relayId, credentials))?.fingerprint).toEqual(credentials.fingerprint)
      const second = await store.keepCredentials(relayId, createServiceCredentials(c, { now: NOW }))
      expect(second?.fingerprint).toEqual(credentials.fingerprint)
      await store.setService(relayId, c.randomBytes(24))
      expect((await store.relay(relayId))?.credentials?.chain).toEqual(credentials.chain)
      await store.setService(relayId, undefined, true)
      expect(await store.relay(relayId)).toMatchObject({ serviceId: undefined, credentials: undefined })
      expect(await store.keepCredentials(c.randomBytes(16), credentials)).toBeUndefined()
    })

    it("are listed with the relays that have subscriptions", async () => {
      const made = await activeToken()
      await subscribed(made, relayAt("one"))
      const two = await subscribed(made, relayAt("two"))
      expect((await store.relays({ limit: 10 })).items.map(({ server }) => server.hosts[0]).sort()).toEqual([
        "one",
        "two",
      ])
      await store.setUp(two.relayId, true)
      expect((await store.relay(two.relayId))?.up).toBe(true)
      await store.deleteSubscription(two.subscriptionId)
      expect((await store.relays({ limit: 10 })).items).toHaveLength(1)
      expect(relayIdOf(c, relayAt("two"))).toEqual(two.relayId)
    })
  })

  describe("notifications", () => {
    it("are kept as the last of their queues, the 6 newest of a token, oldest first", async () => {
      const made = await activeToken()
      const push = { tokenId: made.tokenId, kind: "message" } as const
      const queues = []
      for (let i = 0; i < 7; i++) queues.push(await subscribed(made, relayAt(i % 2 === 0 ? "one" : "two")))
      for (const [i, { relayId, notifierId }] of queues.entries()) {
        const recorded = await store.recordNotifications(relayId, [notification(notifierId, i)], NOW + i)
        expect(recorded).toEqual({ tokens: [made.tokenId], unwanted: 0 })
      }
      const last = queues.slice(1)
      const entries = async () => (await store.pendingPush(push))?.entries
      expect(await entries()).toEqual(
        last.map(({ server, notifierId }, i) => ({
          queue: { server, notifierId },
          time: NOW + i + 1,
          ...contentOf(i + 1),
        })),
      )
      const [, again] = queues
      if (again === undefined) throw new Error("no queue")
      await store.recordNotifications(again.relayId, [notification(again.notifierId, 9)], NOW + 9)
      const now = await entries()
      expect(now).toHaveLength(6)
      expect(now?.at(-1)).toMatchObject({ time: NOW + 9, ...contentOf(9) })
      expect((await store.counts()).notifications).toBe(6)
    })

    it("of one batch make one push for a token, with all of them", async () => {
      const made = await activeToken()
      const one = await subscribed(made)
      const two = await subscribed(made)
      const batch = [notification(one.notifierId, 1), notification(two.notifierId, 2), notification(one.notifierId, 3)]
      expect(await store.recordNotifications(one.relayId, batch, NOW)).toEqual({ tokens: [made.tokenId], unwanted: 0 })
      const pending = await store.pendingPush({ tokenId: made.tokenId, kind: "message" })
      expect(pending?.entries.map(({ nonce }) => nonce[0])).toEqual([2, 3])
    })

    it("are unwanted without a queue or an active token", async () => {
      const made = await activeToken()
      const { notifierId, relayId } = await subscribed(made)
      const other = relayIdOf(c, relayAt("two"))
      expect(await store.recordNotifications(other, [notification(notifierId)], NOW)).toEqual({
        tokens: [],
        unwanted: 1,
      })
      expect(await store.recordNotifications(relayId, [notification(c.randomBytes(24))], NOW)).toMatchObject({
        unwanted: 1,
      })
      await store.invalidateToken(made.tokenId, made.device, "BAD")
      expect(await store.recordNotifications(relayId, [notification(notifierId)], NOW)).toMatchObject({ unwanted: 1 })
      expect((await pushes()).filter(({ kind }) => kind === "message")).toEqual([])
    })

    it("that come while one is pushed are pushed after it", async () => {
      const made = await activeToken()
      const { notifierId, relayId } = await subscribed(made)
      const push = { tokenId: made.tokenId, kind: "message" } as const
      await store.recordNotifications(relayId, [notification(notifierId, 1)], NOW)
      const first = await store.pendingPush(push)
      await store.recordNotifications(relayId, [notification(notifierId, 2)], NOW)
      expect(await store.finishPush(push, first?.sequence ?? -1)).toBe(true)
      const second = await store.pendingPush(push)
      expect(second?.entries.map(({ nonce }) => nonce[0])).toEqual([2])
      expect(await store.finishPush(push, second?.sequence ?? -1)).toBe(false)
      expect(await store.pendingPush(push)).toBeUndefined()
      // They stay for the pushes of other queues.
      expect((await store.counts()).notifications).toBe(1)
    })

    it("wait page by page until they are pushed", async () => {
      const ids = new Set<string>()
      for (let i = 0; i < 5; i++)
        ids.add((await token({ device: { provider: "AT", token: utf8(`t${i}`) } })).tokenId.join())
      const found = new Set<string>()
      let after: Uint8Array | undefined
      do {
        const page = await store.pendingPushes({ after, limit: 2 })
        for (const { tokenId } of page.items) found.add(tokenId.join())
        after = page.next
      } while (after !== undefined)
      expect(found).toEqual(ids)
    })
  })

  it("does many changes at the same time, each whole", async () => {
    const made = await activeToken()
    const asked = Array.from({ length: 60 }, () => newSubscription(made.tokenId, relayAt("one")))
    const created = await Promise.all(
      asked.map((one) => store.createSubscription(one, { subscriptions: 50, relays: 1 })),
    )
    expect(created.filter(({ result }) => result === "created")).toHaveLength(50)
    expect((await store.relay(relayIdOf(c, relayAt("one"))))?.total).toBe(50)
    const [first] = asked
    if (first === undefined) throw new Error("none")
    const batches = Array.from({ length: 20 }, (_, i) =>
      store.recordNotifications(relayIdOf(c, relayAt("one")), [notification(first.notifierId, i)], NOW),
    )
    await Promise.all(batches)
    const pending = await store.pendingPush({ tokenId: made.tokenId, kind: "message" })
    expect(pending?.entries.map(({ nonce }) => nonce[0])).toEqual([19])
  })

  it("refuses everything once it is closed, by its own error", async () => {
    await store.check()
    await store.close()
    await expect(store.counts()).rejects.toBeInstanceOf(StoreError)
    await expect(store.createToken(newToken())).rejects.toBeInstanceOf(StoreError)
    store = await make()
  })
}

/** A relay by the name of its host. */
function relayAt(host: string): Server {
  return { hosts: [host, `${host}.onion`], port: "5223", keyHash: c.sha256(utf8(host)) }
}

function newToken(options: Partial<TokenRecord> = {}): TokenRecord {
  return {
    tokenId: c.randomBytes(24),
    device: { provider: "AT", token: utf8("abcd") },
    status: { type: "REGISTERED" },
    verifyKey: c.generateKeyPair("ed25519").publicKey,
    dhKey: c.generateKeyPair("x25519").privateKey,
    secret: c.randomBytes(32),
    code: c.randomBytes(32),
    cronMinutes: 0,
    cronSentAt: 0,
    seenDay: 19_000,
    ...options,
  }
}

function newSubscription(tokenId: Uint8Array, server: Server): Parameters<NtfStore["createSubscription"]>[0] {
  return {
    subscriptionId: c.randomBytes(24),
    tokenId,
    server,
    notifierId: c.randomBytes(24),
    notifierKey: c.generateKeyPair("ed25519").privateKey,
  }
}

function contentOf(i: number): { readonly nonce: Uint8Array; readonly meta: Uint8Array } {
  return { nonce: new Uint8Array(24).fill(i), meta: new Uint8Array(144).fill(i) }
}

function notification(notifierId: Uint8Array, i = 0): Parameters<NtfStore["recordNotifications"]>[1][number] {
  return { notifierId, ...contentOf(i) }
}
