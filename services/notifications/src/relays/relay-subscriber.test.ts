import { recordingLog } from "@sluice/ops/recording-log"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { Clock } from "@sluice/smp-client/clock"
import { expect, it, vi } from "vitest"
import { StoreError } from "../store/store-error.ts"
import { RefusedAddress } from "./address-guard.ts"
import { ConnectLanes } from "./connect-lanes.ts"
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
    relay: () => Promise.resolve({ serviceId: Uint8Array.of(1) }),
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
  const subscriber = new RelaySubscriber(
    new Uint8Array(16),
    { connect, batch: 10, random: () => 0 },
    {
      ...{ store: store as never, log, clock, intake: { drained: () => Promise.resolve() } as never },
      ...{ connecting: new ConnectLanes(1, clock), subscribing: new Limiter(1) },
    },
  )
  subscriber.start()
  await vi.waitUntil(() => looks === 2)
  await subscriber.stop()
  expect(attempts).toBe(2)
  expect(log.entries.filter(({ level }) => level === "error")).toHaveLength(1)
})
