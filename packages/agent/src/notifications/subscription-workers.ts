import { asAgentError } from "../network/network-error.ts"
import { serverKey } from "../network/session-key.ts"
import type { SubscriptionAction, SubscriptionRecord } from "./records.ts"
import { workAtRelay } from "./relay-work.ts"
import type { Job } from "./row-worker.ts"
import { RowWorkers } from "./row-workers.ts"
import { workAtServer } from "./server-work.ts"
import type { WorkParts } from "./work-parts.ts"

/** One worker for each relay and each notification server that something is to be done with. */
export function subscriptionWorkers(given: Omit<WorkParts, "wake">): RowWorkers<SubscriptionRecord> {
  const { rows, clock, events } = given
  const parts: WorkParts = { ...given, wake: (row) => workers.wake(row) }
  const workers = new RowWorkers<SubscriptionRecord>(clock, {
    rows: () => rows.all(),
    workerOf: ({ action, relay, ntfServer }) => {
      if (action === undefined) return undefined
      return isForRelay(action) ? `relay ${serverKey(relay)}` : `ntf ${serverKey(ntfServer)}`
    },
    jobOf: (row) => jobOf(row, clock.now()),
    run: async (found) => {
      const taken = await take(parts, found)
      const [first] = taken
      if (first?.action === undefined) return []
      return await (isForRelay(first.action) ? workAtRelay(parts, taken) : workAtServer(parts, first.ntfServer, taken))
    },
    crashed: (error) => events.emit({ type: "error", error: asAgentError(error) }),
  })
  return workers
}

function isForRelay({ type }: SubscriptionAction): boolean {
  return type === "key" || type === "delete"
}

function jobOf(row: SubscriptionRecord, now: number): Job<SubscriptionRecord> {
  const { action, connectionId: id, changed: fresh = false } = row
  // Only a check is for later. The clock may have been set back since the others were stored.
  const at = action?.type === "check" ? action.at : Math.min(action?.at ?? now, now)
  return { id, at, fresh, row }
}

/** From now on another action that is set for them is news. */
async function take(
  { rows, store }: WorkParts,
  found: readonly SubscriptionRecord[],
): Promise<readonly SubscriptionRecord[]> {
  const taken = found.map((row) => (row.changed === true ? { ...row, changed: undefined } : row))
  const changes = taken.filter((row, n) => row !== found[n]).map((row) => rows.adopt(row))
  await store.commit(changes)
  return taken
}
