import type { InfoMessage } from "@sluice/smp-protocol/messages/info"
import type { NameRecord } from "@sluice/smp-protocol/messages/name"
import { primaryReceiveQueue } from "../connection/draft.ts"
import { AgentError } from "../errors.ts"
import { serverWithRole } from "../network/server-choice.ts"
import { ownerOf, ownerWithoutConnection } from "../network/session-key.ts"
import type { ConnectionId, UserId } from "../store/records.ts"
import type { AgentContext } from "./context.ts"

/* Commands that are said to a relay, and change nothing of what is kept here. */

/** What its relay tells of the queue of a connection: how many messages wait, and whether somebody has subscribed. */
export async function queueInfo(context: AgentContext, id: ConnectionId): Promise<InfoMessage> {
  const record = await context.connections.get(id)
  const queue = primaryReceiveQueue(record)
  if (queue === undefined) throw new AgentError({ code: "CONN", reason: "SIMPLEX" })
  return await context.pool.ask(ownerOf(record), queue.server, (relay) => relay.queueInfo(queue))
}

/** The queues of a connection take no more messages; those that wait can still be received. */
export async function suspendQueues(context: AgentContext, id: ConnectionId): Promise<void> {
  const record = await context.connections.get(id)
  for (const queue of record.receiveQueues) {
    await context.pool.ask(ownerOf(record), queue.server, (relay) => relay.suspendQueue(queue))
  }
}

/** What a name stands for, asked of one of the user's servers that resolve names. */
export async function resolveName(context: AgentContext, userId: UserId, name: string): Promise<NameRecord> {
  const { users, random, routes } = context
  users.get(userId)
  const server = serverWithRole(users.servers(userId), "names", random)
  if (server === undefined) throw new AgentError({ code: "NO_NAME_SERVERS" })
  return (await routes.send(ownerWithoutConnection(userId), server, (relay) => relay.resolveName(name))).value
}
