import { hasPq } from "../connection/contact.ts"
import type { AgentEvent } from "../events.ts"
import { invitedTo } from "../protocol/envelope.ts"
import type { ConnectionRecord, InvitationRecord } from "../store/records.ts"
import type { AgentContext } from "./context.ts"

/** An event that the user decides about. */
export type Undecided = Extract<AgentEvent, { readonly type: "request" | "confirmation" }>

type Confirmation = Extract<AgentEvent, { readonly type: "confirmation" }>

/** The events of all requests and confirmations that are neither accepted nor rejected, as they were told at first. */
export async function undecided(context: AgentContext): Promise<Undecided[]> {
  const { store } = context
  const connections = (await store.list("connections")).filter(({ deleted }) => deleted === undefined)
  const byId = new Map(connections.map((connection) => [connection.id.toString(), connection]))
  const requests = (await store.list("invitations"))
    .toSorted((one, other) => one.at - other.at)
    .flatMap((invitation) => {
      const address = byId.get(invitation.contactId.toString())
      return address === undefined ? [] : [requestEvent(context, address, invitation)]
    })
  return [...requests, ...connections.flatMap(confirmationsOf)]
}

/** Of a request at an address. */
export function requestEvent(
  { versions }: AgentContext,
  address: ConnectionRecord,
  { id, request, info }: InvitationRecord,
): Undecided {
  const [{ server }] = invitedTo(request).queues
  const pq = address.pq && hasPq(versions, request)
  return { type: "request", connectionId: address.id, invitationId: id, info, pq, servers: [server] }
}

/** Once one is accepted, the others are of no use. */
export function confirmationsOf({ id, confirmations }: ConnectionRecord): Confirmation[] {
  if (confirmations.some(({ accepted }) => accepted === true)) return []
  return confirmations.map(({ id: confirmationId, info, pq, reply }) => ({
    ...{ type: "confirmation", connectionId: id, confirmationId, info, pq, servers: [reply.server] },
  }))
}
