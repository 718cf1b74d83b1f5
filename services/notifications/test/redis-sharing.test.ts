import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { systemClock } from "@sluice/ops/clock"
import { silentLog } from "@sluice/ops/recording-log"
import { openRedis, type RedisConnection } from "@sluice/redis/connection"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { haveRedis } from "../../../packages/redis/test/redis-program.ts"
import { startRedis, type TestRedis } from "../../../packages/redis/test/start-redis.ts"
import { RelayLeases } from "../src/fleet/relay-leases.ts"
import type { SubscriptionRecord, TokenRecord } from "../src/store/ntf-store.ts"
import { NtfKeys } from "../src/store/redis/keys.ts"
import { openRedisNtfStore, type RedisNtfStore } from "../src/store/redis/redis-ntf-store.ts"
import { StoreError } from "../src/store/store-error.ts"

const LEASE = 40
const keys = c.generateKeyPair("ed25519")
const server = { hosts: ["smp.example.org"], port: "5223", keyHash: c.sha256(utf8("relay")) }

/** A node as far as the store knows it. */
interface Node {
  readonly store: RedisNtfStore
  readonly leases: RelayLeases
}

describe.skipIf(!haveRedis)("nodes that share a store", () => {
  let redis: TestRedis
  let connection: RedisConnection
  let prefix: string
  let prefixes = 0
  let alive: string[]
  let a: Node
  let b: Node

  beforeAll(async () => {
    redis = await startRedis()
    connection = openRedis(redis.config(), { log: silentLog, clock: systemClock })
    await connection.ready(5000)
  })
  afterAll(async () => {
    await connection.close()
    await redis[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    prefix = `share${prefixes++}:`
    alive = ["a", "b"]
    a = node("a")
    b = node("b")
  })

  function node(name: string): Node {
    const leases = new RelayLeases({
      connection,
      keys: new NtfKeys(prefix),
      node: name,
      clock: systemClock,
      lease: LEASE,
    })
    const fleet = { nodes: () => alive, fence: (relayId: Uint8Array) => leases.fence(relayId), lease: LEASE }
    return { store: openRedisNtfStore({ connection, prefix, node: name, fleet }), leases }
  }

  async function token(device = "abcd"): Promise<TokenRecord> {
    const made: TokenRecord = {
      ...{ tokenId: c.randomBytes(24), device: { provider: "AT", token: utf8(device) }, verifyKey: keys.publicKey },
      ...{ status: { type: "REGISTERED" }, code: c.randomBytes(32), secret: c.randomBytes(32) },
      ...{ dhKey: c.generateKeyPair("x25519").privateKey, cronMinutes: 0, cronSentAt: 0, seenDay: 0 },
    }
    expect(await a.store.createToken(made)).toBe("created")
    return made
  }

  async function subscribed(): Promise<SubscriptionRecord> {
    const { tokenId, code } = await token()
    await a.store.activateToken(tokenId, code)
    const created = await a.store.createSubscription(
      {
        subscriptionId: c.randomBytes(24),
        tokenId,
        server,
        notifierId: c.randomBytes(24),
        notifierKey: keys.privateKey,
      },
      { subscriptions: 10, relays: 10 },
    )
    if (created.result !== "created") throw new Error(created.result)
    return created.subscription
  }

  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const verification = (tokenId: Uint8Array) => ({ tokenId, kind: "verification" }) as const

  describe("a push", () => {
    it("is one node's to send, until that is done", async () => {
      const push = verification((await token()).tokenId)
      const claimed = await Promise.all([a.store.pendingPush(push), b.store.pendingPush(push)])
      expect(claimed.filter((one) => one !== undefined)).toHaveLength(1)
      await pause(2 * LEASE)
      const [mine, other] = claimed[0] === undefined ? [b, a] : [a, b]
      expect(await other.store.pendingPush(push)).toBeUndefined()
      const sequence = (claimed[0] ?? claimed[1])?.sequence ?? 0
      expect(await mine.store.finishPush(push, sequence)).toBe(false)
      expect(await other.store.pendingPush(push)).toBeUndefined()
      expect((await a.store.pendingPushes({ limit: 10 })).items).toEqual([])
    })

    it("of a node that died is another's, and not before", async () => {
      const push = verification((await token()).tokenId)
      expect(await a.store.pendingPush(push)).toBeDefined()
      alive = ["b"]
      expect(await b.store.pendingPush(push)).toBeUndefined()
      await pause(2 * LEASE)
      expect(await b.store.pushes.left(10)).toEqual([{ ...push, second: false }])
      expect(await b.store.pendingPush(push)).toBeDefined()
      expect(await b.store.pushes.left(10)).toEqual([])
    })

    it("that nobody began with is found by all", async () => {
      const push = verification((await token()).tokenId)
      expect(await b.store.pushes.left(10)).toEqual([])
      await pause(2 * LEASE)
      expect(await b.store.pushes.left(10)).toEqual([{ ...push, second: false }])
    })

    it("that failed once waits for its time, and is then any node's", async () => {
      const push = verification((await token()).tokenId)
      const pending = await a.store.pendingPush(push)
      await a.store.pushes.postpone(push, 3 * LEASE)
      expect(await b.store.pendingPush(push)).toBeUndefined()
      await pause(4 * LEASE)
      expect(await b.store.pushes.left(10)).toEqual([{ ...push, second: true }])
      expect((await b.store.pendingPush(push))?.sequence).toBe(pending?.sequence)
    })

    it("of a repeated registration is sent anew by who is sending it", async () => {
      const { tokenId } = await token()
      const push = verification(tokenId)
      const first = await a.store.pendingPush(push)
      await b.store.repeatRegistration(tokenId)
      expect(await b.store.pendingPush(push)).toBeUndefined()
      expect(await a.store.finishPush(push, first?.sequence ?? 0)).toBe(true)
      expect((await a.store.pendingPush(push))?.sequence).not.toBe(first?.sequence)
    })
  })

  it("send a periodic push once", async () => {
    const { tokenId } = await token()
    expect(await Promise.all([a, b].map(({ store }) => store.pushes.claimCheck(tokenId)))).toEqual([true, false])
    expect(await a.store.pushes.claimCheck(tokenId)).toBe(true)
    expect(await a.store.pushes.claimCheck(c.randomBytes(24))).toBe(false)
  })

  it("store notifications once that are recorded again after a lost answer", async () => {
    const { relayId, notifierId, tokenId } = await subscribed()
    const notification = { notifierId, nonce: c.randomBytes(24), meta: c.randomBytes(144) }
    const push = { tokenId, kind: "message" } as const
    await a.store.recordNotifications(relayId, [notification], 1_700_000_000)
    const first = await a.store.pendingPush(push)
    await a.store.recordNotifications(relayId, [notification], 1_700_000_001)
    expect((await a.store.pendingPush(push))?.sequence).toBe(first?.sequence)
  })

  it("follow a queue to the device that has it now", async () => {
    const { relayId, notifierId, subscriptionId } = await subscribed()
    const notification = () => ({ notifierId, nonce: c.randomBytes(24), meta: c.randomBytes(144) })
    await b.store.recordNotifications(relayId, [notification()], 1_700_000_000)
    await a.store.deleteSubscription(subscriptionId)
    const other = await token().catch(() => undefined)
    expect(other).toBeUndefined()
    expect(await b.store.recordNotifications(relayId, [notification()], 1_700_000_000)).toEqual({
      ...{ tokens: [], unwanted: 1 },
    })
  })

  describe("a relay", () => {
    it("is owned by one, then by another, and only the owner may say what became of it", async () => {
      const { relayId, notifierId, subscriptionId } = await subscribed()
      expect(await a.leases.take(relayId)).toBe(true)
      expect(await b.leases.take(relayId)).toBe(false)
      await a.store.updateSubscriptions(relayId, [{ notifierId, status: { type: "ACTIVE" }, associated: true }])
      expect((await a.store.relay(relayId))?.counters.count).toBe(1n)
      await pause(2 * LEASE)
      expect(a.leases.fence(relayId)).toBe(0)
      expect(await b.leases.take(relayId)).toBe(true)
      // What a node that was paused still had to say, such as that somebody else subscribed.
      await a.store.updateSubscriptions(relayId, [{ notifierId, status: { type: "END" } }])
      await a.store.setService(relayId, undefined)
      await a.store.setUp(relayId, true)
      expect((await b.store.subscription(subscriptionId))?.subscription.status).toEqual({ type: "ACTIVE" })
      expect(await b.store.relay(relayId)).toMatchObject({ up: false, counters: { count: 1n } })
      await b.leases.release(relayId)
      expect(await a.leases.take(relayId)).toBe(true)
    })
  })

  it("remove queues that no registration knows", async () => {
    const kept = await subscribed()
    const { relayId } = kept
    await a.leases.take(relayId)
    await a.store.updateSubscriptions(relayId, [{ notifierId: kept.notifierId, status: { type: "ACTIVE" } }])
    expect(await a.store.sweep()).toEqual({ removed: 0 })
    // As a deletion leaves it that broke off behind its first step.
    await connection.command(["DEL", new NtfKeys(prefix).token(kept.tokenId).subscriptions])
    expect(await a.store.sweep()).toEqual({ removed: 1 })
    expect((await a.store.relay(relayId))?.total).toBe(0)
  })

  it("are ready while Redis is full, and count what they remove", async () => {
    const { tokenId } = await token()
    const { tokens } = await a.store.counts()
    await redis.command("CONFIG", "SET", "maxmemory", 1)
    try {
      await expect(token("ef01")).rejects.toMatchObject({ name: "StoreError", problem: "UNAVAILABLE" })
      await a.store.check()
      await a.store.deleteToken(tokenId)
      expect((await a.store.counts()).tokens).toBe(tokens - 1)
    } finally {
      await redis.command("CONFIG", "SET", "maxmemory", 0)
    }
  })

  it("reject everything at once while Redis is away, and go on when it is back", async () => {
    const { tokenId } = await token()
    await redis.stop()
    await expect(a.store.token(tokenId)).rejects.toMatchObject({ name: "StoreError", problem: "UNAVAILABLE" })
    await expect(a.store.check()).rejects.toBeInstanceOf(StoreError)
    await redis.start()
    await connection.ready(5000)
    await a.store.check()
  })
})
