import { equalBytes } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { parseConnectionLink } from "@sluice/short-links/connection-link"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import { allow } from "../connection/handshake.ts"
import {
  askContact,
  emptyConnection,
  type JoinChoice,
  joinInvitation,
  newConnectionId,
} from "../connection/new-connection.ts"
import { isSecurable } from "../connection/queue-box.ts"
import { AgentError, prohibited } from "../errors.ts"
import { invitedTo } from "../protocol/envelope.ts"
import { AGENT_VERSION } from "../protocol/versions.ts"
import type { ConnectionId, ConnectionRecord, UserId } from "../store/records.ts"
import { envOf } from "./base.ts"
import type { AgentContext } from "./context.ts"
import { forgetLink, linkError, readKeyOf, readLink } from "./link-reading.ts"
import { removeRequest } from "./requests.ts"

/** How to join. */
export interface JoinOptions {
  /** What the peer's user is told. */
  readonly info: Uint8Array
  /** Post-quantum keys; default true. */
  readonly pq?: boolean | undefined
  /** False makes a queue whose messages are fetched. Default true. */
  readonly subscribe?: boolean | undefined
  /**
   * Of a new connection, see `Agent.newConnectionId`; or of one whose joining has failed, which then goes on where it was,
   * with the same keys and queues. Default a new one.
   */
  readonly connectionId?: ConnectionId | undefined
  /** Gives up; the call rejects with its reason. A later call can go on from where this one was. */
  readonly signal?: AbortSignal | undefined
}

/** A connection on its way. */
export interface Joined {
  readonly connectionId: ConnectionId
  /** Messages can be sent already; else `connected` comes first. */
  readonly secured: boolean
}

/** The request of a link of any kind. Rejects with `AgentError`. */
export async function requestOf(context: AgentContext, userId: UserId, text: string): Promise<ConnectionRequest> {
  try {
    const link = parseConnectionLink(text)
    return link.form === "full" ? link.request : (await readLink(context, userId, link.link)).request
  } catch (error) {
    throw linkError(error)
  }
}

/** Answers an invitation, or asks a contact address (agent.md §6 and §7). Rejects with `AgentError`. */
export async function join(context: AgentContext, userId: UserId, text: string, options: JoinOptions): Promise<Joined> {
  const { connectionId } = options
  const known = connectionId && (await context.store.get("connections", [connectionId]))
  if (known !== undefined) return await goOn(context, known, options.signal)
  const request = await requestOf(context, userId, text)
  const joined = await joinRequest(context, userId, request, options, true)
  await forgetLink(context, request)
  return joined
}

/** Joins with a request. `attended`: until it is done or has failed; else in the background. */
export async function joinRequest(
  context: AgentContext,
  userId: UserId,
  request: ConnectionRequest,
  options: JoinOptions,
  attended: boolean,
): Promise<Joined> {
  const { users, crypto, connections } = context
  users.get(userId)
  const { info, pq = true, subscribe = true, connectionId: id = newConnectionId(crypto) } = options
  const choice: JoinChoice = {
    info,
    pq,
    onlyCreate: !subscribe,
    server: otherServer(context, userId, request),
    secured: await readKeyOf(context, request),
  }
  const kind = request.kind === "invitation" ? "joined" : "invitation"
  const record = { ...emptyConnection(envOf(context), { id, userId, kind, pq }), attended: attended || undefined }
  await connections.create(record, (draft) => {
    if (request.kind === "invitation") joinInvitation(draft, request, choice)
    else askContact(draft, request, choice)
  })
  return attended ? await finish(context, id, options.signal) : await joinedNow(context, id)
}

/** The user's server for the reply, if it can be another one than the peer's. */
function otherServer(
  { users, random }: AgentContext,
  userId: UserId,
  { queues: [queue] }: ConnectionRequest,
): ServerAddress {
  return users.storageServer(userId, [queue.server], random)
}

/** Repeats what has failed, or whose caller has not heard that it had not (agent.md §6, "Retry of join"). */
async function goOn(context: AgentContext, record: ConnectionRecord, signal: AbortSignal | undefined): Promise<Joined> {
  if (record.connected === true || record.deleted !== undefined) throw prohibited("join: connection is joined already")
  return await (record.attended === true ? finish(context, record.id, signal) : joinedNow(context, record.id))
}

/** Takes all steps and delivers the confirmation, for a caller who waits. */
async function finish(context: AgentContext, id: ConnectionId, signal: AbortSignal | undefined): Promise<Joined> {
  const { steps, deliveries, connections } = context
  await steps.attend(id, signal)
  signal?.throwIfAborted()
  for (const { key } of (await connections.get(id)).sendQueues) await deliveries.attend(id, key)
  // From here on it goes on by itself.
  await connections.change(id, (draft) => draft.set({ attended: undefined }))
  return await joinedNow(context, id)
}

async function joinedNow({ connections }: AgentContext, id: ConnectionId): Promise<Joined> {
  const { sendQueues, version } = await connections.get(id)
  const [queue] = sendQueues
  const secured = queue !== undefined && isSecurable(queue) && version >= AGENT_VERSION.RATCHET_ON_CONFIRMATION
  return { connectionId: id, secured }
}

/** Accepts a request to a contact address, as one who joins its invitation. The request is gone once that has succeeded. */
export async function acceptRequest(
  context: AgentContext,
  invitationId: Uint8Array,
  options: Omit<JoinOptions, "subscribe">,
): Promise<Joined> {
  const { connectionId } = options
  const known = connectionId && (await context.store.get("connections", [connectionId]))
  // A call that is repeated because its answer was lost finds the connection only.
  const joined = known ? await goOn(context, known, options.signal) : await joinAsking(context, invitationId, options)
  await removeRequest(context, invitationId)
  return joined
}

async function joinAsking(context: AgentContext, invitationId: Uint8Array, options: JoinOptions): Promise<Joined> {
  const invitation = await context.store.get("invitations", [invitationId])
  if (invitation === undefined) throw new AgentError({ code: "CONN", reason: "NOT_FOUND" })
  return await joinRequest(context, invitation.userId, invitedTo(invitation.request), options, true)
}

/** Accepts the peer that has answered an invitation. What follows happens in the background. */
export async function allowConnection(
  { connections }: AgentContext,
  connectionId: ConnectionId,
  confirmationId: Uint8Array,
  info: Uint8Array,
): Promise<void> {
  await connections.change(connectionId, (draft) => {
    const wanted = draft.record.confirmations.find(({ id }) => equalBytes(id, confirmationId))
    if (wanted === undefined) throw new AgentError({ code: "CONN", reason: "NOT_FOUND" })
    allow(draft, wanted, info)
  })
}
