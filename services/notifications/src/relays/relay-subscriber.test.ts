import { recordingLog } from "@sluice/ops/recording-log"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { Clock } from "@sluice/smp-client/clock"
import { expect, it, vi } from "vitest"
import { StoreError } from "../store/store-error.ts"
import { RefusedAddress } from "./address-guard.ts"
import { Limiter } from "./limiter.ts"
import { RelaySubscriber } from "./relay-subscriber.ts"

it("tries a relay again when the store fails while a refused address is noted", async () => {
  const log = recordingLog()
  let attempts = 0
  let looks = 0
  const connect = (): Promise<never> => {
    attempts++
    return Promise.reject(new SmpClientError({ code: "CONNECT", stage: "DIAL" }, { cause: new RefusedAddress() }))
  }
  const store = {
    subscriptionsToMake: () =>
      ++looks === 1
        ? Promise.reject(new StoreError("UNAVAILABLE", "subscriptionsToMake"))
        : Promise.resolve({ items: [], next: undefined }),
    updateSubscriptions: () => Promise.resolve(),
  }
  // Waits are over at once.
  const clock: Clock = {
    now: () => 0,
    unixSeconds: () => 0,
    after: (_, run) => {
      const immediate = setImmediate(run)
      return () => clearImmediate(immediate)
    },
  }
  const limiter = (): Limiter => new Limiter(1)
  const subscriber = new RelaySubscriber(
    new Uint8Array(16),
    { connect, batch: 10, random: () => 0 },
    {
      ...{ store: store as never, log, clock, intake: { drained: () => Promise.resolve() } as never },
      ...{ connecting: limiter(), reconnecting: limiter(), subscribing: limiter() },
    },
  )
  subscriber.start()
  await vi.waitUntil(() => looks === 2)
  await subscriber.stop()
  expect(attempts).toBe(2)
  expect(log.entries.filter(({ level }) => level === "error")).toHaveLength(1)
})
