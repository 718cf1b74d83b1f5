import { ManualClock } from "@sluice/ops/manual-clock"
import { expect, it } from "vitest"
import { NtfStatistics } from "./statistics.ts"
import { unverifiedTokens } from "./unverified-tokens.ts"

const DAY = 86_400_000

it("goes through all steps with the day that the time to live ends on, and counts what it removed", async () => {
  const asked: unknown[] = []
  const store = {
    removeUnverified: (before: number, { after }: { readonly after?: Uint8Array }) => {
      asked.push([before, after?.[0]])
      const next = after === undefined ? Uint8Array.of(1) : undefined
      return Promise.resolve({ removed: 3, next })
    },
  }
  const statistics = new NtfStatistics()
  const clock = new ManualClock(1000 * DAY + 5)
  const job = unverifiedTokens(7 * DAY, { store: store as never, statistics, clock })
  expect(job.scope).toBe("fleet")
  await job.run(new AbortController().signal)
  expect(asked).toEqual([
    [993, undefined],
    [993, 1],
  ])
  expect(statistics.tokensExpired).toBe(6)
})
