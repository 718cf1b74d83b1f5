import { E2E_VERSION } from "@sluice/ratchet/versions"
import type { MsgId } from "@sluice/smp-protocol/types"
import { AgentError, peerError } from "../errors.ts"
import { type AgentEnvelope, invitedTo } from "../protocol/envelope.ts"
import { AGENT_VERSION } from "../protocol/versions.ts"
import type { InvitationRecord } from "../store/records.ts"
import type { Draft, Versions } from "./draft.ts"
import { isKnown, remember } from "./hashes.ts"
import { type Agreement, agree } from "./invitation-params.ts"

/**
 * Somebody asks this contact address for a connection: stored until the user decides, or until it is too old. One that is
 * refused leaves nothing in the store, so that strangers can not fill it. Throws `AgentError` AGENT.
 */
export async function receiveRequest(
  draft: Draft,
  { request, info }: Extract<AgentEnvelope, { readonly tag: "INVITATION" }>,
  serverId: MsgId,
): Promise<void> {
  const { record, env } = draft
  if (record.kind !== "contact") throw peerError({ type: "A_PROHIBITED", text: "inv: sent to message conn" })
  const { queues } = invitedTo(request)
  // Somebody may ask twice; the same message that comes again does not.
  const hash = env.crypto.sha256(serverId)
  if (await isKnown(draft, hash)) return
  const { requests = 0 } = record
  if (requests >= env.limits.requests) throw peerError({ type: "A_PROHIBITED", text: "inv: too many" })
  remember(draft, hash)
  const expires = Math.floor((env.now + env.limits.requestLife) / 1000)
  const put: InvitationRecord = {
    id: env.crypto.randomBytes(12),
    userId: record.userId,
    contactId: record.id,
    request,
    info,
    at: env.now,
    expires,
  }
  draft.set({ requests: requests + 1 })
  draft.change(
    { table: "invitations", put },
    { table: "expiries", put: { at: expires, connectionId: draft.id, of: { table: "invitations", id: put.id } } },
  )
  draft.emit({
    type: "request",
    connectionId: draft.id,
    invitationId: put.id,
    info,
    pq: record.pq && hasPq(env.versions, request),
    servers: [queues[0].server],
  })
}

/** Whether a connection made with this request could have PQ keys; one that can not be made has none. */
export function hasPq(versions: Versions, request: string): boolean {
  let agreed: Agreement
  try {
    agreed = agree(invitedTo(request), versions)
  } catch (error) {
    if (error instanceof AgentError) return false
    throw error
  }
  return agreed.agent >= AGENT_VERSION.PQ_RATCHET && (agreed.e2e ?? 0) >= E2E_VERSION.PQ
}
