import { ManualClock } from "@sluice/ops/manual-clock"
import { recordingLog } from "@sluice/ops/recording-log"
import { expect, it, vi } from "vitest"
import { NtfStatistics } from "../statistics.ts"
import type { PushReference, ReceivedNotification } from "../store/ntf-store.ts"
import { StoreError } from "../store/store-error.ts"
import { NotificationIntake } from "./notification-intake.ts"

const relayId = new Uint8Array(16)

/** An intake whose store does what it is told. */
function bench(record: (batch: readonly ReceivedNotification[]) => Promise<void>) {
  const woken: PushReference[] = []
  const clock = new ManualClock(1_700_000_000_000)
  const store = {
    recordNotifications: async (_: Uint8Array, batch: readonly ReceivedNotification[]) => {
      await record(batch)
      return { tokens: [Uint8Array.of(1)], unwanted: 0 }
    },
  }
  const faucet = { pause: vi.fn(), resume: vi.fn() }
  const log = recordingLog()
  const pushes = { wake: (push: PushReference) => void woken.push(push), accepts: () => true }
  const intake = new NotificationIntake(relayId, {
    ...{ store: store as never, clock, log, statistics: new NtfStatistics(), pushes },
  })
  return { intake, faucet, woken, clock, log }
}

const one = (n: number): ReceivedNotification => ({
  notifierId: Uint8Array.of(n >> 8, n),
  nonce: new Uint8Array(24),
  meta: new Uint8Array(144),
})

it("stores what came together in one operation, and only then lets it be pushed", async () => {
  const batches: number[] = []
  let stored: () => void = () => undefined
  const { intake, faucet, woken } = bench(async (batch) => {
    batches.push(batch.length)
    await new Promise<void>((resolve) => {
      stored = resolve
    })
  })
  for (let i = 0; i < 3; i++) intake.add(one(i), faucet)
  await vi.waitUntil(() => batches.length === 1)
  expect(batches).toEqual([3])
  expect(woken).toEqual([])
  stored()
  await intake.drained()
  expect(woken).toEqual([{ tokenId: Uint8Array.of(1), kind: "message" }])
})

it("keeps what the store did not take, and tries again", async () => {
  let failures = 2
  const taken: number[] = []
  const { intake, faucet, clock, log } = bench((batch) => {
    if (failures-- > 0) return Promise.reject(new StoreError("UNAVAILABLE", "recordNotifications"))
    taken.push(batch.length)
    return Promise.resolve()
  })
  intake.add(one(1), faucet)
  intake.add(one(2), faucet)
  await vi.waitUntil(() => {
    clock.advance(1000)
    return taken.length === 1
  })
  await intake.drained()
  expect(taken).toEqual([2])
  expect(log.entries.filter(({ level }) => level === "error")).toHaveLength(2)
})

it("lets the relay wait while too much is not stored", async () => {
  const waiting: (() => void)[] = []
  const { intake, faucet } = bench(() => new Promise<void>((resolve) => waiting.push(resolve)))
  for (let i = 0; i < 4095; i++) intake.add(one(i), faucet)
  expect(faucet.pause).not.toHaveBeenCalled()
  intake.add(one(4095), faucet)
  expect(faucet.pause).toHaveBeenCalledOnce()
  expect(faucet.resume).not.toHaveBeenCalled()
  const drained = intake.drained()
  let done = false
  void drained.then(() => {
    done = true
  })
  while (!done) {
    for (const store of waiting.splice(0)) store()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(faucet.resume).toHaveBeenCalledOnce()
})

it("tries until the deadline what the store does not take, then once more, and gives it up", async () => {
  let attempts = 0
  const { intake, faucet, clock, log } = bench(() => {
    attempts++
    return Promise.reject(new StoreError("UNAVAILABLE", "recordNotifications"))
  })
  const deadline = new AbortController()
  intake.add(one(1), faucet)
  await vi.waitUntil(() => {
    clock.advance(1000)
    return attempts >= 3
  })
  const drained = intake.drained(deadline.signal)
  deadline.abort()
  await drained
  const before = attempts
  clock.advance(10_000)
  await Promise.resolve()
  expect(attempts).toBe(before)
  expect(log.entries.at(-1)).toMatchObject({ level: "error", fields: { count: 1 } })
})
