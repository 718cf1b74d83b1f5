import { ownerOf } from "../network/session-key.ts"
import type { SessionPool } from "../network/session-pool.ts"
import type { Subscriptions } from "../network/subscriptions.ts"
import type { ConnectionId, ConnectionRecord, UserId } from "../store/records.ts"
import type { AgentBase } from "./base.ts"
import type { Connections } from "./connections.ts"
import { removeRequestsOf } from "./requests.ts"
import type { Users } from "./users.ts"

/** Messages of a deleted connection are waited for no longer than this, ms. */
const WAIT_FOR_DELIVERY = 2 * 86_400_000

/** What removing needs. */
export interface RemovalParts extends Pick<AgentBase, "store" | "clock" | "events"> {
  readonly users: Users
  readonly pool: SessionPool
  readonly subscriptions: Subscriptions
  readonly connections: Connections
}

/** Removes what is kept of a deleted connection once nothing of it is left elsewhere. */
export async function removeIfDone(parts: RemovalParts, id: ConnectionId): Promise<void> {
  const { store, connections, events, pool, subscriptions } = parts
  const removed = await connections.exclusive(id, async () => {
    const record = await store.get("connections", [id])
    if (record === undefined || !(await isDone(parts, record))) return undefined
    if (record.kind === "contact") await removeRequestsOf(parts, id)
    await store.removeConnection(id)
    return record
  })
  if (removed === undefined) return
  await pool.release(ownerOf(removed))
  subscriptions.prune()
  events.emit({ type: "connections-deleted", connectionIds: [id] })
  await removeUserIfDone(parts, removed.userId)
}

async function isDone(
  { store, clock }: RemovalParts,
  { id, deleted, receiveQueues }: ConnectionRecord,
): Promise<boolean> {
  if (deleted === undefined || receiveQueues.length > 0) return false
  if (!deleted.wait || clock.now() - deleted.at >= WAIT_FOR_DELIVERY) return true
  return (await store.list("deliveries", { prefix: [id], limit: 1 })).length === 0
}

/** Removes a user who was deleted once the last connection is gone. */
export async function removeUserIfDone({ users, store, events }: RemovalParts, userId: UserId): Promise<void> {
  const user = users.list().find(({ id }) => id === userId)
  if (user?.deleted !== true) return
  if ((await store.list("connections")).some((record) => record.userId === userId)) return
  await users.remove(userId)
  events.emit({ type: "user-deleted", userId })
}
