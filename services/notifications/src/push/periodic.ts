import type { Clock } from "@sluice/ops/clock"
import type { Job } from "@sluice/ops/jobs"
import { seconds } from "../context.ts"
import type { NtfStore } from "../store/ntf-store.ts"
import type { Pusher } from "./pusher.ts"

const PAGE = 500

/** Finds the tokens whose periodic push is due (notifications.md §6.5). One that fails is found again the next time. */
export function periodicPushes(
  every: number,
  { store, pusher, clock }: { readonly store: NtfStore; readonly pusher: Pusher; readonly clock: Clock },
): Job {
  return {
    name: "periodic-pushes",
    every,
    async run(signal) {
      const now = seconds(clock)
      let after: Uint8Array | undefined
      do {
        const page = await store.dueTokens(now, { after, limit: PAGE })
        for (const token of page.items) pusher.check(token)
        after = page.next
      } while (after !== undefined && !signal.aborted)
    },
  }
}
