import { hasPq } from "../connection/contact.ts"
import type { AgentEvent } from "../events.ts"
import { invitedTo } from "../protocol/envelope.ts"
import type { ConnectionRecord } from "../store/records.ts"
import type { AgentContext } from "./context.ts"

/** An event that the user decides about. */
export type Undecided = Extract<AgentEvent, { readonly type: "request" | "confirmation" }>

/** The events of all requests and confirmations that are neither accepted nor rejected, as they were told at first. */
export async function undecided({ store, versions }: AgentContext): Promise<Undecided[]> {
  const connections = (await store.list("connections")).filter(({ deleted }) => deleted === undefined)
  const pqOf = new Map(connections.map(({ id, pq }) => [id.toString(), pq]))
  const requests = (await store.list("invitations"))
    .filter(({ contactId }) => pqOf.has(contactId.toString()))
    .toSorted((one, other) => one.at - other.at)
    .map(({ id, contactId, request, info }): Undecided => {
      const [{ server }] = invitedTo(request).queues
      const pq = pqOf.get(contactId.toString()) === true && hasPq(versions, request)
      return { type: "request", connectionId: contactId, invitationId: id, info, pq, servers: [server] }
    })
  return [...requests, ...connections.flatMap(confirmationsOf)]
}

/** Once one is accepted, the others are of no use. */
function confirmationsOf({ id, confirmations }: ConnectionRecord): Undecided[] {
  if (confirmations.some(({ accepted }) => accepted === true)) return []
  return confirmations.map(({ id: confirmationId, info, pq, reply }) => ({
    ...{ type: "confirmation", connectionId: id, confirmationId, info, pq, servers: [reply.server] },
  }))
}
