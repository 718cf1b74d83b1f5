import { nativeCrypto as c } from "@sluice/crypto/native"
import { encodeWebPushToken } from "@sluice/ntf-protocol/web-push-token"
import { ManualClock } from "@sluice/ops/manual-clock"
import { silentLog } from "@sluice/ops/recording-log"
import { DELIVERED, type PushOutcome, type PushProvider, type PushTarget } from "@sluice/push/provider"
import { describe, expect, it, vi } from "vitest"
import { NtfStatistics } from "../statistics.ts"
import type { NtfStore } from "../store/ntf-store.ts"
import { createMemoryStore } from "../store/table-store.ts"
import { FIRST_TIMEOUT, HostLimits, type Place } from "./host-limits.ts"
import { laneOf } from "./push-target.ts"
import { Pusher, type PusherOptions } from "./pusher.ts"
import { type Added, type Waiting, WaitingPushes } from "./waiting-pushes.ts"

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

interface Bench {
  readonly store: NtfStore
  readonly pusher: Pusher
  readonly statistics: NtfStatistics
  readonly clock: ManualClock
  /** Ends of the attempts at hosts with "hangs" in their names that are under way. */
  readonly hanging: ((outcome: PushOutcome) => void)[]
}

/** A pusher to hosts of Web Push that answer at once, or hang until the test or the time ends it. */
function bench(options: Partial<PusherOptions> = {}): Bench {
  const hanging: ((outcome: PushOutcome) => void)[] = []
  const answer = (target: PushTarget, signal: AbortSignal): Promise<PushOutcome> =>
    new Promise((resolve) => {
      if (target.kind !== "web-push" || !target.endpoint.includes("hangs")) return resolve(DELIVERED)
      hanging.push(resolve)
      signal.addEventListener("abort", () => resolve({ outcome: "failed", cause: "unavailable" }))
    })
  const provider: PushProvider = {
    deliver: (target, _, signal) => answer(target, signal),
    close: () => Promise.resolve(),
  }
  const [store, statistics, clock] = [createMemoryStore(), new NtfStatistics(), new ManualClock()]
  const own = { testTokens: true, concurrency: 8, strangers: 4, maxWaiting: 1000, ...options }
  const pusher = new Pusher(
    { providers: new Map([["UT", provider]]), ...own },
    { store, crypto: c, clock, log: silentLog, statistics },
  )
  return { store, pusher, statistics, clock, hanging }
}

it("lets any number of Web Push services that hang delay nothing that goes to those that answer", async () => {
  const { store, pusher, statistics, clock, hanging } = bench()
  await register(store, pusher, "answers.example")
  await vi.waitUntil(() => statistics.delivered.verification === 1)
  for (let host = 0; host < 50; host++) {
    for (let i = 0; i < 3; i++) await register(store, pusher, `${host}.hangs.example`)
  }
  await vi.waitUntil(() => hanging.length === 4)
  for (let i = 0; i < 20; i++) await register(store, pusher, "answers.example")
  await vi.waitUntil(() => statistics.delivered.verification === 21)
  expect(pusher.running).toBe(4)
  // New hosts have a short time, so that others get their turn; those that were slow are fewer.
  clock.advance(4999)
  expect(hanging).toHaveLength(4)
  clock.advance(1)
  await vi.waitUntil(() => hanging.length === 4 + 4 + 2)
  expect(pusher.running).toBe(4 + 2)
  await register(store, pusher, "answers.example")
  await vi.waitUntil(() => statistics.delivered.verification === 22)
  await pusher.stop(AbortSignal.abort())
})

it("gives a new host its turn although many hang, and all its attempts when it answers", async () => {
  const { store, pusher, statistics, clock, hanging } = bench()
  for (let host = 0; host < 6; host++) await register(store, pusher, `${host}.hangs.example`)
  for (let i = 0; i < 10; i++) await register(store, pusher, "new.example")
  await vi.waitUntil(() => hanging.length === 4)
  expect(statistics.delivered.verification).toBe(0)
  clock.advance(5000)
  await vi.waitUntil(() => statistics.delivered.verification === 10)
  await pusher.stop(AbortSignal.abort())
})

it("counts a host that hangs as slow, and repeats the push with the provider's own time", async () => {
  const { store, pusher, statistics, clock, hanging } = bench()
  await register(store, pusher, "hangs.example")
  await vi.waitUntil(() => hanging.length === 1)
  clock.advance(FIRST_TIMEOUT)
  await vi.waitUntil(() => clock.pending === 1 && pusher.running === 0)
  expect(statistics.retried).toBe(1)
  clock.advance(0)
  await vi.waitUntil(() => hanging.length === 2)
  clock.advance(24_000)
  expect(pusher.running).toBe(1)
  hanging[1]?.(DELIVERED)
  await vi.waitUntil(() => statistics.delivered.verification === 1)
})

const [HOST, OTHER, THIRD] = ["one.example", "two.example", "three.example"].map((host) => laneOf(deviceAt(host))) as [
  string,
  string,
  string,
]
const TIMEOUT = { outcome: "retry", cause: "timeout", afterMs: 0 } as const

describe("the limits of hosts", () => {
  const limits = (clock = new ManualClock()): HostLimits => new HostLimits(clock, { concurrency: 3, strangers: 2 })
  /** Attempts that a lane may have under way, if no other has any. */
  const most = (of: HostLimits, lane: string): number => {
    let running = 0
    const places: Place[] = []
    for (let place = of.begin(lane, 0); place !== undefined; place = of.begin(lane, ++running)) places.push(place)
    for (const place of places) for (const _ of of.end(place));
    return running
  }

  it("do not concern push services that the operator has chosen", () => {
    const one = limits()
    one.note("AP", TIMEOUT)
    expect([most(one, "AP"), one.begin("AP", 0)]).toEqual([3, {}])
  })

  it("let a host earn its attempts, and lose them when it hangs, for a while", () => {
    const clock = new ManualClock()
    const one = limits(clock)
    const earned = [most(one, HOST)]
    for (let i = 0; i < 4; i++) {
      one.note(HOST, DELIVERED)
      earned.push(most(one, HOST))
    }
    expect(earned).toEqual([1, 1, 2, 3, 3])
    one.note(HOST, { outcome: "retry", cause: "connection", afterMs: 0 })
    one.note(HOST, { outcome: "failed", cause: "refused" })
    expect(most(one, HOST)).toBe(3)
    one.note(HOST, TIMEOUT)
    const slow = one.begin(HOST, 0)
    expect([slow?.timeoutMs, one.begin(HOST, 1)]).toEqual([undefined, undefined])
    expect(slow).toHaveProperty("share")
    clock.advance(300_000)
    expect(one.begin(OTHER, 0)?.timeoutMs).toBe(FIRST_TIMEOUT)
    expect(one.begin(HOST, 0)?.timeoutMs).toBe(FIRST_TIMEOUT)
    one.note(HOST, { outcome: "retry", cause: "unavailable", afterMs: 0 })
    expect(one.begin(HOST, 0)).toEqual({})
    clock.advance(86_400_000)
    expect(one.begin(HOST, 0)).toBeUndefined()
  })

  it("name the lanes that waited when there is a place, in their order", () => {
    const one = limits()
    const places = [one.begin(HOST, 0), one.begin(OTHER, 0)]
    expect([one.begin(THIRD, 0), one.begin("UT four.example", 0)]).toEqual([undefined, undefined])
    const begun: string[] = []
    for (const lane of one.end(places[0] as Place)) if (one.begin(lane, 0) !== undefined) begun.push(lane)
    expect(begun).toEqual([THIRD])
    // One that needs its place no more leaves it to the next.
    expect([...one.end(places[1] as Place)]).toEqual(["UT four.example"])
  })
})

describe("the memory for pushes that wait", () => {
  const known = new Set<string>()
  const push = (): Waiting => ({ tokenId: c.randomBytes(24), kind: "message", second: false })
  const room = (size: number): { waiting: WaitingPushes; add: (lane: string, count: number) => Added[] } => {
    known.clear()
    const waiting = new WaitingPushes({ isStranger: (lane) => lane.includes(" ") && !known.has(lane) }, size)
    let key = 0
    const add = (lane: string, count: number): Added[] =>
      Array.from({ length: count }, () => waiting.add(lane, `${key++}`, push()))
    return { waiting, add }
  }
  const added = (results: readonly Added[]): number => results.filter((result) => result === "added").length

  it("has a quarter for hosts that have not answered, one for any other, and one for none of them", () => {
    const { waiting, add } = room(64)
    expect(Array.from({ length: 10 }, (_, host) => added(add(`UT ${host}.example`, 2)))).toEqual([
      ...Array.from({ length: 8 }, () => 2),
      ...Array.from({ length: 2 }, () => 0),
    ])
    for (const host of [HOST, OTHER, THIRD]) known.add(host)
    expect([HOST, OTHER, THIRD].map((host) => added(add(host, 20)))).toEqual([16, 16, 0])
    expect(add(THIRD, 1)).toEqual(["left"])
    // Nothing of that concerns services that the operator has chosen.
    expect(added(add("AP", 100))).toBe(16)
    expect(add("AP", 1)).toEqual(["full"])
    expect(waiting.size).toBe(64)
  })

  it("takes what is too much from a host that hangs now, and counts one that answers no more among strangers", () => {
    const { waiting, add } = room(64)
    for (const host of [HOST, OTHER, THIRD]) {
      known.add(host)
      add(host, 8)
    }
    known.clear()
    expect([waiting.judge(HOST), waiting.judge(OTHER), waiting.judge(THIRD)]).toEqual([false, false, true])
    expect([waiting.size, waiting.lane(THIRD)?.waiting.size]).toEqual([16, 0])
    expect(add("UT new.example", 1)).toEqual(["left"])
    known.add(HOST)
    expect([waiting.judge(HOST), waiting.judge(HOST)]).toEqual([false, false])
    expect(add("UT new.example", 1)).toEqual(["added"])
  })
})

it("finds pushes to strangers that had no room in the store, a while later", async () => {
  const { store, pusher, statistics, clock, hanging } = bench({ maxWaiting: 8 })
  for (let host = 0; host < 4; host++) await register(store, pusher, `${host}.hangs.example`)
  await vi.waitUntil(() => hanging.length === 4)
  for (let host = 0; host < 6; host++) await register(store, pusher, `${host}.example`)
  await vi.waitUntil(() => clock.pending === 4 + 1)
  expect(pusher.waiting).toBe(2)
  for (const end of hanging) end(DELIVERED)
  await vi.waitUntil(() => statistics.delivered.verification === 4 + 2)
  clock.advance(60_000)
  await vi.waitUntil(() => statistics.delivered.verification === 4 + 6)
})
