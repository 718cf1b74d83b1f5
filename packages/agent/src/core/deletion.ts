import type { ConnectionId, UserId } from "../store/records.ts"
import type { AgentContext } from "./context.ts"
import { removeIfDone, removeUserIfDone } from "./removal.ts"
import { removeRequestsOf } from "./requests.ts"

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
