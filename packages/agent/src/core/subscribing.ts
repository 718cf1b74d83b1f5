import type { AgentError } from "../errors.ts"
import { networkError } from "../network/network-error.ts"
import { ownerOf } from "../network/session-key.ts"
import type { ConnectionId, ConnectionRecord, ReceiveQueueRecord } from "../store/records.ts"
import type { AgentContext } from "./context.ts"
import { subscribed } from "./subscribed.ts"

/** One connection that could not be subscribed, and why. */
export interface SubscribeFailure {
  readonly connectionId: ConnectionId
  readonly error: AgentError
}

/**
 * Receives from these connections from now on, in batches for each server. What fails for now is tried again in the
 * background. A queue that is subscribed already stays so.
 */
export async function subscribeAll(
  { subscriptions, notifications }: AgentContext,
  records: readonly ConnectionRecord[],
): Promise<SubscribeFailure[]> {
  const queues = records.flatMap((record) =>
    record.deleted === undefined
      ? record.receiveQueues.filter(isReceiving).map((queue) => subscribed(record, queue))
      : [],
  )
  const errors = await subscriptions.subscribe(queues)
  notifications.subscribed(records.filter((record) => record.receiveQueues.some((queue) => subscriptions.has(queue))))
  return errors.flatMap((error, n) => {
    const queue = queues[n]
    return error === undefined || queue === undefined ? [] : [{ connectionId: queue.connectionId, error }]
  })
}

/** Fetches the first message of each queue of a connection that is not subscribed; how many there were. */
export async function fetchMessages(
  { pool, subscriptions, receiver }: AgentContext,
  record: ConnectionRecord,
): Promise<number> {
  let count = 0
  for (const queue of record.receiveQueues) {
    if (queue.deleting !== undefined || subscriptions.isActive(queue)) continue
    const session = pool.session(ownerOf(record), queue.server)
    try {
      for (;;) {
        const message = await session.client.getMessage(queue)
        if (message === undefined) break
        const copy = { recipientId: queue.recipientId, msgId: message.msgId.slice(), body: message.body.slice() }
        count++
        if ((await receiver.take(record.id, session, copy)) === "user") break
      }
    } catch (error) {
      throw networkError(error, { server: queue.server })
    }
  }
  return count
}

function isReceiving({ deleting, switching, onlyCreate, status }: ReceiveQueueRecord): boolean {
  // What is left in a queue that was replaced is received before it is deleted.
  const isThere = deleting === undefined || switching === "received_message"
  return isThere && onlyCreate !== true && status !== "disabled"
}
