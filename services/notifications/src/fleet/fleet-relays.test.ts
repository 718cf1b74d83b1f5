import { nativeCrypto } from "@sluice/crypto/native"
import { ManualClock } from "@sluice/ops/manual-clock"
import { silentLog } from "@sluice/ops/recording-log"
import { expect, it, vi } from "vitest"
import { newFleetFigures } from "./fleet-metrics.ts"
import { FleetRelays } from "./fleet-relays.ts"

it("frees relays for the other nodes while what they had sent is still being stored", async () => {
  const relayId = new Uint8Array(16)
  const released = vi.fn(() => Promise.resolve())
  const stored = Promise.withResolvers<void>()
  const deadlines: unknown[] = []
  const pool = {
    close: async (_: Uint8Array, disconnected: () => Promise<void>, deadline: AbortSignal) => {
      deadlines.push(deadline)
      await disconnected()
      await stored.promise
    },
    stop: () => Promise.resolve(),
  }
  const relays = new FleetRelays({
    pool: pool as never,
    store: {} as never,
    leases: { held: () => [relayId], release: released, fence: () => 1 } as never,
    link: { node: "one", others: new Set(), stop: () => Promise.resolve() } as never,
    fresh: () => Promise.resolve([]),
    ...{ figures: newFleetFigures(), crypto: nativeCrypto, clock: new ManualClock(), log: silentLog, lease: 1000 },
  })
  const deadline = new AbortController().signal
  const stopped = relays.stop(deadline)
  await vi.waitUntil(() => released.mock.calls.length === 1)
  expect(deadlines).toEqual([deadline])
  stored.resolve()
  await stopped
})
