import type { ImportedQueue } from "@sluice/queue-store/queue-store"
import type { LinkData, QueueRecord } from "@sluice/queue-store/records"
import type { LoggedQueue } from "./store-log-record.ts"

/**
 * Last use of queues whose `CREATE` has none, which only very old servers wrote: the first day of all. The next use sets
 * it, and an export leaves it out again.
 */
const UNKNOWN_DAY = 0

/** The queue as the store takes it. */
export function storedQueue(logged: LoggedQueue): Pick<ImportedQueue, "queue" | "linkData"> {
  const { linkData, updatedAt = UNKNOWN_DAY, ...rest } = logged
  return { queue: { ...rest, updatedAt }, ...(linkData !== undefined && { linkData }) }
}

/** The queue as a log has it. Without link data it has no link either. */
export function loggedQueue(queue: QueueRecord, linkData: LinkData | undefined): LoggedQueue {
  const { linkId, updatedAt, createdAt: _, ...rest } = queue
  return {
    ...rest,
    ...(linkId !== undefined && linkData !== undefined && { linkId, linkData }),
    ...(updatedAt !== UNKNOWN_DAY && { updatedAt }),
  }
}
