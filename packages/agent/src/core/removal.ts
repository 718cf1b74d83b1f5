import type { AgentEvent } from "../events.ts"
import type { ConnectionId, ConnectionRecord, ExpiryRecord, UserId } from "../store/records.ts"
import type { StoreChange } from "../store/tables.ts"
import type { AgentContext } from "./context.ts"
import { removeRequest, removeRequestsOf } from "./requests.ts"

/** Messages of a deleted connection are waited for no longer than this, ms. */
const WAIT_FOR_DELIVERY = 2 * 86_400_000

/**
 * Deletes connections (agent.md §16). They are gone for the user at once; their queues are deleted in the background, with
 * `waitDelivery` what they still have to send is sent first.
 */
export async function deleteConnections(
  context: AgentContext,
  ids: readonly ConnectionId[],
  waitDelivery: boolean,
): Promise<void> {
  const { connections, subscriptions, clock } = context
  for (const id of ids) {
    await connections.change(id, (draft) => {
      for (const queue of draft.record.receiveQueues) subscriptions.remove(queue)
      draft.set({
        deleted: { at: clock.now(), wait: waitDelivery },
        planned: undefined,
        setup: undefined,
        attended: undefined,
        receiveQueues: draft.record.receiveQueues.map((queue) => ({
          ...queue,
          deleting: queue.deleting ?? { errors: 0 },
        })),
      })
    })
    await removeIfDone(context, id)
  }
}

/** Deletes a connection now: its queues first, then what is kept of it. Rejects with `AgentError`; it can be repeated. */
export async function deleteConnectionNow(context: AgentContext, id: ConnectionId): Promise<void> {
  await deleteConnections(context, [id], false)
  await context.steps.attend(id)
  await removeIfDone(context, id)
}

/** Removes what is kept of a deleted connection once nothing of it is left elsewhere. */
export async function removeIfDone(context: AgentContext, id: ConnectionId): Promise<void> {
  const { store, connections, events } = context
  const removed = await connections.exclusive(id, async () => {
    const record = await store.get("connections", [id])
    if (record === undefined || !(await isDone(context, record))) return undefined
    if (record.kind === "contact") await removeRequestsOf(context, id)
    await store.removeConnection(id)
    return record
  })
  if (removed === undefined) return
  await context.pool.release({ userId: removed.userId, connectionId: id })
  context.subscriptions.prune()
  events.emit({ type: "connections-deleted", connectionIds: [id] } satisfies AgentEvent)
  await removeUserIfDone(context, removed.userId)
}

async function isDone(
  { store, clock }: AgentContext,
  { id, deleted, receiveQueues }: ConnectionRecord,
): Promise<boolean> {
  if (deleted === undefined || receiveQueues.length > 0) return false
  if (!deleted.wait || clock.now() - deleted.at >= WAIT_FOR_DELIVERY) return true
  return (await store.list("deliveries", { prefix: [id], limit: 1 })).length === 0
}

/** Deletes a user with all connections; with `queues` also at the servers. Rejects with `AgentError` NO_USER. */
export async function deleteUser(context: AgentContext, userId: UserId, queues: boolean): Promise<void> {
  const { users, store } = context
  const user = users.get(userId)
  const own = (await store.list("connections")).filter((record) => record.userId === userId)
  if (!queues) {
    for (const { id, kind, receiveQueues } of own) {
      for (const queue of receiveQueues) context.subscriptions.remove(queue)
      await context.connections.exclusive(id, async () => {
        if (kind === "contact") await removeRequestsOf(context, id)
        await store.removeConnection(id)
      })
    }
    await users.remove(userId)
    return
  }
  await users.put({ ...user, deleted: true })
  const present = own.filter(({ deleted }) => deleted === undefined).map(({ id }) => id)
  await deleteConnections(context, present, false)
  await removeUserIfDone(context, userId)
}

async function removeUserIfDone({ users, store, events }: AgentContext, userId: UserId): Promise<void> {
  const user = users.list().find(({ id }) => id === userId)
  if (user?.deleted !== true) return
  if ((await store.list("connections")).some((record) => record.userId === userId)) return
  await users.remove(userId)
  events.emit({ type: "user-deleted", userId })
}

/** What is over goes: hashes, sent messages and requests after their time, connections that were deleted. */
export async function cleanUp(context: AgentContext): Promise<void> {
  const { store, clock } = context
  const seconds = Math.floor(clock.now() / 1000)
  for (;;) {
    const expired = await store.list("expiries", { before: seconds, limit: 1000 })
    if (expired.length === 0) break
    for (const { of } of expired) if (of.table === "invitations") await removeRequest(context, of.id)
    await store.commit(expired.flatMap(expiryChanges))
  }
  for (const record of await store.list("connections")) {
    if (record.deleted === undefined) continue
    context.steps.start(record)
    await removeIfDone(context, record.id)
  }
}

function expiryChanges({ at, connectionId, of }: ExpiryRecord): StoreChange[] {
  if (of.table === "hashes") {
    return [
      { table: "hashes", remove: [connectionId, of.hash] },
      { table: "expiries", remove: [at, connectionId, of.hash] },
    ]
  }
  // The request itself is gone already, together with its count.
  if (of.table === "invitations") return [{ table: "expiries", remove: [at, connectionId, of.id] }]
  return [
    { table: "sent", remove: [connectionId, of.sentId] },
    { table: "expiries", remove: [at, connectionId, of.sentId] },
  ]
}
