import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { silentLog } from "@sluice/ops/recording-log"
import { MemoryProvider } from "@sluice/push/memory-provider"
import { DELIVERED, type PushOutcome } from "@sluice/push/provider"
import { expect, it, vi } from "vitest"
import { NtfStatistics } from "../statistics.ts"
import { relayIdOf } from "../store/context.ts"
import type { NtfStore } from "../store/ntf-store.ts"
import { createMemoryStore } from "../store/table-store.ts"
import { Pusher, type PusherOptions } from "./pusher.ts"

const server = { hosts: ["relay.example"], port: "", keyHash: new Uint8Array(32) }
const relayId = relayIdOf(c, server)

interface Bench {
  readonly store: NtfStore
  readonly provider: MemoryProvider
  readonly pusher: Pusher
  readonly statistics: NtfStatistics
  readonly clock: ManualClock
  /** Lets the attempts under way end. */
  readonly release: () => void
}

/** A pusher whose attempts wait until they are released. */
function bench(options: Partial<PusherOptions> = {}): Bench {
  const held: (() => void)[] = []
  const provider = new MemoryProvider({
    answer: () => new Promise<PushOutcome>((resolve) => held.push(() => resolve(DELIVERED))),
  })
  const store = createMemoryStore()
  const statistics = new NtfStatistics()
  const clock = new ManualClock(1_700_000_000_000)
  const own = {
    providers: new Map([["AT", provider]] as const),
    testTokens: true,
    concurrency: 100,
    strangers: 1,
    maxWaiting: 100,
  }
  const pusher = new Pusher({ ...own, ...options }, { store, crypto: c, clock, log: silentLog, statistics })
  const release = (): void => {
    for (const end of held.splice(0)) end()
  }
  return { store, provider, pusher, statistics, clock, release }
}

/** An active token with a queue; gives what notifies it. */
async function device({ store, pusher }: Bench, name: string): Promise<() => Promise<void>> {
  const tokenId = c.randomBytes(24)
  const code = c.randomBytes(32)
  const keys = c.generateKeyPair("ed25519")
  await store.createToken({
    ...{ tokenId, device: { provider: "AT", token: utf8(name) }, status: { type: "REGISTERED" }, code },
    ...{ verifyKey: keys.publicKey, dhKey: c.generateKeyPair("x25519").privateKey, secret: c.randomBytes(32) },
    ...{ cronMinutes: 0, cronSentAt: 0, seenDay: 0 },
  })
  await store.activateToken(tokenId, code)
  const verification = { tokenId, kind: "verification" } as const
  await store.finishPush(verification, (await store.pendingPush(verification))?.sequence ?? -1)
  const notifierId = c.randomBytes(24)
  await store.createSubscription(
    { subscriptionId: c.randomBytes(24), tokenId, server, notifierId, notifierKey: keys.privateKey },
    { subscriptions: 10, relays: 10 },
  )
  return async () => {
    const received = { notifierId, nonce: c.randomBytes(24), meta: new Uint8Array(144) }
    await store.recordNotifications(relayId, [received], 1_700_000_000)
    pusher.wake({ tokenId, kind: "message" })
  }
}

const pushes = async ({ store }: Bench) => (await store.counts()).pushes

it("sends one push for what came while another was under way", async () => {
  const b = bench()
  const notify = await device(b, "one")
  await notify()
  await vi.waitUntil(() => b.pusher.running === 1)
  await notify()
  await notify()
  expect(b.pusher.running).toBe(1)
  b.release()
  await vi.waitUntil(() => b.provider.attempts.length === 1 && b.pusher.running === 1)
  expect(await pushes(b)).toBe(1)
  b.release()
  await vi.waitUntil(async () => (await pushes(b)) === 0 && b.pusher.running === 0)
  expect(b.provider.attempts).toHaveLength(2)
})

it("has no more under way and waiting than it may, and finds the rest in the store", async () => {
  const b = bench({ concurrency: 2, maxWaiting: 3 })
  for (let i = 0; i < 20; i++) await (await device(b, `device ${i}`))()
  await vi.waitUntil(() => b.pusher.running === 2 && b.pusher.waiting === 3)
  expect(await pushes(b)).toBe(20)
  while ((await pushes(b)) > 0) {
    expect(b.pusher.running).toBeLessThanOrEqual(2)
    expect(b.pusher.waiting).toBeLessThanOrEqual(3)
    b.release()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(b.provider.attempts).toHaveLength(20)
  expect(b.statistics.delivered.message).toBe(20)
})

it("leaves what it has not sent in the store when it stops", async () => {
  const b = bench({ concurrency: 1 })
  for (let i = 0; i < 3; i++) await (await device(b, `device ${i}`))()
  await vi.waitUntil(() => b.pusher.running === 1 && b.pusher.waiting === 2)
  const stopped = b.pusher.stop(new AbortController().signal)
  b.release()
  await stopped
  expect([b.provider.attempts.length, await pushes(b)]).toEqual([1, 2])

  const next = new Pusher(
    { providers: new Map([["AT", b.provider]]), testTokens: true, concurrency: 5, strangers: 1, maxWaiting: 10 },
    { store: b.store, crypto: c, clock: b.clock, log: silentLog, statistics: b.statistics },
  )
  b.provider.answer = () => DELIVERED
  await next.recover()
  await vi.waitUntil(async () => (await pushes(b)) === 0)
  expect(b.provider.attempts).toHaveLength(3)
})

it("has one second attempt to come for each push, however often there is news meanwhile", async () => {
  const b = bench()
  b.provider.answer = () => ({ outcome: "retry", cause: "unavailable", afterMs: 3_600_000 })
  const notify = await device(b, "one")
  for (let news = 1; news <= 3; news++) {
    await notify()
    await vi.waitUntil(() => b.provider.attempts.length === news && b.pusher.running === 0)
  }
  expect(b.clock.pending).toBe(1)
})

it("repeats once, when the push service says so, and forgets it then", async () => {
  const b = bench()
  b.provider.answer = () => ({ outcome: "retry", cause: "limited", afterMs: 60_000 })
  await (await device(b, "one"))()
  await vi.waitUntil(() => b.provider.attempts.length === 1 && b.pusher.running === 0)
  expect(await pushes(b)).toBe(1)
  b.clock.advance(59_999)
  expect(b.pusher.running + b.pusher.waiting).toBe(0)
  b.clock.advance(1)
  await vi.waitUntil(async () => (await pushes(b)) === 0)
  expect(b.provider.attempts).toHaveLength(2)
  expect(b.statistics).toMatchObject({ retried: 1, failed: { message: 1 } })
})

it("takes tokens of what is configured, of tests only where they are wanted, and those for nothing", () => {
  const { pusher } = bench()
  expect(["AT", "AN", "AP", "FP"].map((tag) => pusher.accepts(tag as "AT"))).toEqual([true, true, false, false])
  expect(bench({ testTokens: false }).pusher.accepts("AT")).toBe(false)
})
