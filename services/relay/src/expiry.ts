import type { Job } from "@sluice/ops/jobs"
import type { LmdbStore } from "@sluice/queue-store/lmdb/lmdb-store"
import type { Step } from "@sluice/queue-store/queue-store"
import { type RelayContext, seconds } from "./context.ts"

/** Queues that one step looks at, so that the relay goes on serving in between. */
const STEP = 500
const SWEEP_EVERY = 600_000

/** The relay's periodic work. Each job does its round in bounded steps and can run again from the start at any time. */
export function expiryJobs(relay: RelayContext): Job[] {
  const { policy } = relay
  const jobs: Job[] = [
    {
      name: "expire-messages",
      scope: "fleet",
      makesRoom: true,
      every: policy.messageCheckInterval * 1000,
      run: async (signal) => {
        relay.statistics.msgExpired += await expireMessages(relay, signal)
      },
    },
    {
      name: "expire-notifications",
      scope: "fleet",
      makesRoom: true,
      every: policy.notificationCheckInterval * 1000,
      run: async (signal) => {
        const before = seconds(relay.clock) - policy.notificationTtl
        relay.statistics.msgNtfExpired += await rounds(signal, (step) =>
          relay.store.expireNotifications({ before, limit: STEP, ...step }),
        )
      },
    },
  ]
  const { invitationTtl } = policy
  if (invitationTtl !== undefined) {
    jobs.push({
      name: "expire-invitations",
      scope: "fleet",
      makesRoom: true,
      every: policy.messageCheckInterval * 1000,
      run: async (signal) => {
        const before = seconds(relay.clock) - invitationTtl
        await rounds(signal, (step) => relay.store.expireLinks({ before, limit: STEP, ...step }))
      },
    })
  }
  return jobs
}

/** Subscriptions of processes that died are void at once; this removes what is left of them in a shared store. */
export function sweepJob(store: Pick<LmdbStore, "sweepSubscriptions">): Job {
  return {
    name: "sweep-subscriptions",
    scope: "fleet",
    every: SWEEP_EVERY,
    run: async (signal) => {
      await rounds(signal, async (step) => {
        const { removed: expired, ...next } = await store.sweepSubscriptions({ limit: STEP, ...step })
        return { expired, ...next }
      })
    },
  }
}

/** One round over all queues with messages; returns how many messages were removed. */
export function expireMessages(relay: RelayContext, signal: AbortSignal): Promise<number> {
  const before = seconds(relay.clock) - relay.policy.messageTtl
  return rounds(signal, (step) => relay.store.expireMessages({ before, limit: STEP, ...step }))
}

async function rounds(
  signal: AbortSignal,
  run: (step: Step) => Promise<Step & { readonly expired: number }>,
): Promise<number> {
  let expired = 0
  let step: Step = {}
  do {
    signal.throwIfAborted()
    const done = await run(step)
    expired += done.expired
    step = done.cursor === undefined ? {} : { cursor: done.cursor }
  } while (step.cursor !== undefined)
  return expired
}
