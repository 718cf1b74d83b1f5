import type { Clock } from "@sluice/ops/clock"
import type { Job } from "@sluice/ops/jobs"
import type { NtfStatistics } from "./statistics.ts"
import type { NtfStore, RemovedTokens } from "./store/ntf-store.ts"

const EVERY = 3_600_000
const DAY = 86_400_000
/** Registrations that one step looks at. */
const PAGE = 500

/**
 * Removes registrations whose code never came back: anybody can make them, and nobody has a use for them.
 * @param ttl milliseconds; what was seen in the last full days of it stays
 */
export function unverifiedTokens(
  ttl: number,
  parts: { readonly store: NtfStore; readonly statistics: NtfStatistics; readonly clock: Clock },
): Job {
  const { store, statistics, clock } = parts
  return {
    name: "remove-unverified-tokens",
    scope: "fleet",
    makesRoom: true,
    every: EVERY,
    async run(signal) {
      const before = Math.floor((clock.now() - ttl) / DAY)
      let step: RemovedTokens = { removed: 0 }
      do {
        step = await store.removeUnverified(before, { after: step.next, limit: PAGE })
        statistics.tokensExpired += step.removed
      } while (step.next !== undefined && !signal.aborted)
    },
  }
}
