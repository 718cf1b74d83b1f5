import type { Job } from "@sluice/ops/jobs"
import type { Pusher } from "../push/pusher.ts"
import type { RedisNtfStore } from "../store/redis/redis-ntf-store.ts"
import type { Swept } from "../store/redis/sweep.ts"

const SWEEP_EVERY = 3_600_000
const LEFT_EVERY = 1000

/** Work that one node does for all: second attempts, what nodes that died have left, and what interruptions left behind. */
export function fleetJobs(store: RedisNtfStore, pusher: Pusher): readonly Job[] {
  return [
    {
      name: "left-pushes",
      scope: "fleet",
      every: LEFT_EVERY,
      run: () => pusher.recover(),
    },
    {
      name: "sweep-subscriptions",
      scope: "fleet",
      every: SWEEP_EVERY,
      async run(signal) {
        let swept: Swept = { removed: 0 }
        do {
          signal.throwIfAborted()
          swept = await store.sweep(swept.cursor)
        } while (swept.cursor !== undefined)
      },
    },
  ]
}
