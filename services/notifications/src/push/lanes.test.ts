import { nativeCrypto as c } from "@sluice/crypto/native"
import { encodeWebPushToken } from "@sluice/ntf-protocol/web-push-token"
import { ManualClock } from "@sluice/ops/manual-clock"
import { silentLog } from "@sluice/ops/recording-log"
import { MemoryProvider } from "@sluice/push/memory-provider"
import { DELIVERED, type PushOutcome, type PushTarget } from "@sluice/push/provider"
import { expect, it, vi } from "vitest"
import { NtfStatistics } from "../statistics.ts"
import type { NtfStore } from "../store/ntf-store.ts"
import { createMemoryStore } from "../store/table-store.ts"
import { laneOf } from "./push-target.ts"
import { Pusher } from "./pusher.ts"
import { SlowHosts } from "./slow-hosts.ts"

function deviceAt(host: string, name = ""): { readonly provider: "UT"; readonly token: Uint8Array } {
  const publicKey = Uint8Array.of(2, ...c.randomBytes(32))
  return {
    provider: "UT",
    token: encodeWebPushToken({ endpoint: `https://${host}/${name}`, publicKey, auth: c.randomBytes(16) }),
  }
}

async function register(store: NtfStore, pusher: Pusher, host: string): Promise<void> {
  const tokenId = c.randomBytes(24)
  await store.createToken({
    ...{ tokenId, device: deviceAt(host), status: { type: "REGISTERED" }, code: c.randomBytes(32) },
    ...{ verifyKey: c.generateKeyPair("ed25519").publicKey, dhKey: c.generateKeyPair("x25519").privateKey },
    ...{ secret: c.randomBytes(32), cronMinutes: 0, cronSentAt: 0, seenDay: 0 },
  })
  pusher.wake({ tokenId, kind: "verification" })
}

it("has a lane for each push service, also where devices choose them", () => {
  expect(laneOf(deviceAt("one.example", "a"))).toBe(laneOf(deviceAt("ONE.example", "b")))
  expect(laneOf(deviceAt("one.example"))).not.toBe(laneOf(deviceAt("two.example")))
  expect(laneOf({ provider: "AP", token: Uint8Array.of(97) })).toBe("AP")
})

it("lets a Web Push service that does not answer delay nothing that goes to another", async () => {
  const store = createMemoryStore()
  const ends: (() => void)[] = []
  const hangs = (): Promise<PushOutcome> => new Promise((resolve) => ends.push(() => resolve(DELIVERED)))
  const provider = new MemoryProvider({
    answer: (target: PushTarget) =>
      target.kind === "web-push" && target.endpoint.includes("hangs") ? hangs() : Promise.resolve(DELIVERED),
  })
  const statistics = new NtfStatistics()
  const pusher = new Pusher(
    { providers: new Map([["UT", provider]]), testTokens: true, concurrency: 2, maxWaiting: 100 },
    { store, crypto: c, clock: new ManualClock(), log: silentLog, statistics },
  )
  for (let i = 0; i < 5; i++) await register(store, pusher, "hangs.example")
  for (let i = 0; i < 5; i++) await register(store, pusher, "answers.example")
  await vi.waitUntil(() => statistics.delivered.verification === 5)
  expect([pusher.running, pusher.waiting]).toEqual([2, 3])
  while (pusher.running > 0) {
    for (const end of ends.splice(0)) end()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect([statistics.delivered.verification, pusher.waiting]).toEqual([10, 0])
})

it("gives a Web Push service that did not answer in time one attempt at a time, until it answers or a while later", async () => {
  const clock = new ManualClock()
  const slow = new SlowHosts(clock)
  const [host, apple] = [laneOf(deviceAt("hangs.example")), "AP"]
  const timeout = { outcome: "retry", cause: "timeout", afterMs: 1000 } as const
  for (const lane of [host, apple]) slow.note(lane, timeout)
  expect([slow.has(host), slow.has(apple)]).toEqual([true, false])
  slow.note(host, { outcome: "retry", cause: "connection", afterMs: 0 })
  clock.advance(299_999)
  expect(slow.has(host)).toBe(true)
  clock.advance(1)
  expect(slow.has(host)).toBe(false)
  slow.note(host, timeout)
  slow.note(host, { outcome: "retry", cause: "limited", afterMs: 0 })
  expect(slow.has(host)).toBe(false)
})

it("sends to a host that hangs with one attempt at a time once one was given up", async () => {
  const store = createMemoryStore()
  const ends: ((outcome: PushOutcome) => void)[] = []
  const provider = new MemoryProvider({ answer: () => new Promise((resolve) => ends.push(resolve)) })
  const pusher = new Pusher(
    { providers: new Map([["UT", provider]]), testTokens: true, concurrency: 3, maxWaiting: 100 },
    { store, crypto: c, clock: new ManualClock(), log: silentLog, statistics: new NtfStatistics() },
  )
  for (let i = 0; i < 8; i++) await register(store, pusher, "hangs.example")
  await vi.waitUntil(() => ends.length === 3)
  for (const end of ends.splice(0)) end({ outcome: "retry", cause: "timeout", afterMs: 1000 })
  await vi.waitUntil(() => ends.length === 1)
  expect([pusher.running, pusher.waiting]).toEqual([1, 4])
  ends.pop()?.(DELIVERED)
  await vi.waitUntil(() => ends.length === 3)
  expect([pusher.running, pusher.waiting]).toEqual([3, 1])
  const stopped = pusher.stop(AbortSignal.abort())
  for (const end of ends.splice(0)) end(DELIVERED)
  await stopped
})
