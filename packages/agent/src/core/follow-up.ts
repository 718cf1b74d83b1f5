import { nextStep } from "../connection/steps.ts"
import { asAgentError } from "../network/network-error.ts"
import type { ConnectionRecord } from "../store/records.ts"
import type { StoreChange } from "../store/tables.ts"
import type { StoredChange } from "./connections.ts"
import type { Deliveries } from "./deliveries.ts"
import { type RemovalParts, removeIfDone } from "./removal.ts"
import type { StepRunner } from "./step-runner.ts"

/** Everybody who goes on with a connection that has changed. */
export interface FollowUpParts extends RemovalParts {
  readonly deliveries: Deliveries
  readonly steps: StepRunner
  readonly notifications: { changed(before: ConnectionRecord, after: ConnectionRecord): void }
}

/** Starts what follows from a change of a connection: deliveries, the next step, the end of what was deleted. */
export function followUp(parts: FollowUpParts, { before, after, changes }: StoredChange): void {
  const { deliveries, steps, notifications, events } = parts
  const { id } = after
  for (const queue of queuesWithWork(changes)) deliveries.wake(id, queue)
  if (nextStep(after) === undefined) {
    // What waited for a step may go now.
    for (const { key } of after.sendQueues) deliveries.wake(id, key)
    if (after.deleted !== undefined) {
      removeIfDone(parts, id).catch((error: unknown) =>
        events.emit({ type: "error", connectionId: id, error: asAgentError(error) }),
      )
    }
  } else if (after.attended !== true) steps.start(after)
  notifications.changed(before, after)
}

function queuesWithWork(changes: readonly StoreChange[]): Set<number> {
  const queues = new Set<number>()
  for (const change of changes) if (change.table === "deliveries" && "put" in change) queues.add(change.put.queue)
  return queues
}
