import { prohibited } from "../errors.ts"
import type { ConnectionId, UserId } from "../store/records.ts"
import type { AgentContext } from "./context.ts"
import { subscribeAll } from "./subscribing.ts"

/**
 * Gives a connection to another user, whose sessions it then uses (agent.md §17): only while nobody is connected through
 * it. Rejects with `AgentError` NO_USER or PROHIBITED.
 */
export async function changeUser(context: AgentContext, id: ConnectionId, userId: UserId): Promise<void> {
  const { connections, subscriptions, users } = context
  users.get(userId)
  const before = await connections.get(id)
  await connections.change(id, (draft) => {
    if (draft.record.sendQueues.length > 0) throw prohibited("user: connection is in use")
    draft.set({ userId })
  })
  const was = before.receiveQueues.filter((queue) => subscriptions.isActive(queue))
  for (const queue of was) subscriptions.remove(queue)
  if (was.length > 0) await subscribeAll(context, [await connections.get(id)])
}
