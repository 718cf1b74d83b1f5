import { equalBytes } from "@sluice/encoding/bytes"
import { type Clock, sleep } from "@sluice/ops/clock"
import { isClientError } from "@sluice/smp-client/client-error"
import { ownerOf } from "../network/session-key.ts"
import type { SessionPool } from "../network/session-pool.ts"
import type { Subscriptions } from "../network/subscriptions.ts"
import type { ConnectionId, ConnectionRecord, ReceiveQueueRecord } from "../store/records.ts"
import type { Connections } from "./connections.ts"

/** Pauses between looks into a queue that is not empty yet, ms: the first, and the longest. */
const FIRST_LOOK = 50
const LONGEST_PAUSE = 5000
/** An old relay that does not answer so often does not hold up the new queue any longer. */
const PATIENCE = 3

/** What looking into a queue needs. */
export interface QueueAccess {
  readonly pool: SessionPool
  readonly subscriptions: Subscriptions
}

/** What waiting for a queue needs. */
export interface DrainingParts extends QueueAccess {
  readonly clock: Clock
  readonly connections: Connections
}

/**
 * Whether a queue that was replaced is empty. What is still in it came before everything in the new one, and would be lost
 * with it. One that its server does not know any more is empty, too. Rejects where the server does not answer.
 */
export async function isEmpty(
  { pool, subscriptions }: QueueAccess,
  record: ConnectionRecord,
  queue: ReceiveQueueRecord,
): Promise<boolean> {
  const { client } = subscriptions.sessionOf(queue) ?? pool.session(ownerOf(record), queue.server)
  try {
    return (await client.queueInfo(queue)).size === 0
  } catch (error) {
    if (isClientError(error) && error.answer?.type === "AUTH") return true
    throw error
  }
}

/**
 * Holds the first message of a new queue back until the one that it replaces is empty, so that messages stay in their
 * order. An old relay that is gone for good is not waited for. Rejects with the reason of the signal.
 */
export async function oldQueueDrained(
  parts: DrainingParts,
  connectionId: ConnectionId,
  recipientId: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  let pause = FIRST_LOOK
  for (let failures = 0; failures < PATIENCE; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    const record = await parts.connections.get(connectionId)
    const queue = record.receiveQueues.find((one) => equalBytes(one.recipientId, recipientId))
    const old = record.receiveQueues.find(({ key }) => key === queue?.replaces)
    if (old === undefined) return
    try {
      if (await isEmpty(parts, record, old)) return
    } catch {
      failures++
    }
    await sleep(parts.clock, pause, signal)
  }
}
