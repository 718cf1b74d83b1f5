import { nativeCrypto as c } from "@sluice/crypto/native"
import { ManualClock } from "@sluice/ops/manual-clock"
import { recordingLog } from "@sluice/ops/recording-log"
import { expect, it, vi } from "vitest"
import { NtfStatistics } from "../statistics.ts"
import { StoreError } from "../store/store-error.ts"
import { createMemoryStore } from "../store/table-store.ts"
import { Pusher } from "./pusher.ts"

it("looks at a store that failed once a second, however many pushes met the failure, and until it is back", async () => {
  const clock = new ManualClock()
  const log = recordingLog()
  let looks = 0
  let away = true
  const memory = createMemoryStore()
  const store = {
    ...memory,
    token: () => Promise.reject(new StoreError("UNAVAILABLE", "token")),
    pendingPushes: () => {
      looks++
      return away
        ? Promise.reject(new StoreError("UNAVAILABLE", "token"))
        : Promise.resolve({ items: [], next: undefined })
    },
  }
  const options = { providers: new Map(), testTokens: true, concurrency: 1, strangers: 1, maxWaiting: 100 }
  const pusher = new Pusher(options, { store, crypto: c, clock, log, statistics: new NtfStatistics() })
  for (let i = 0; i < 50; i++) pusher.wake({ tokenId: c.randomBytes(24), kind: "message" })
  await vi.waitUntil(() => clock.pending > 0)
  for (let second = 1; second <= 3; second++) {
    clock.advance(1000)
    await vi.waitUntil(() => clock.pending > 0)
    expect([looks, log.entries.length, clock.pending]).toEqual([second, second + 1, 1])
  }
  away = false
  clock.advance(1000)
  await vi.waitUntil(() => looks === 4)
  expect(clock.pending).toBe(0)
  await pusher.stop(AbortSignal.abort())
})
