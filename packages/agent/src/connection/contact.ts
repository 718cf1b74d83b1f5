import { E2E_VERSION } from "@sluice/ratchet/versions"
import { AgentError, peerError } from "../errors.ts"
import { type AgentEnvelope, invitedTo } from "../protocol/envelope.ts"
import { AGENT_VERSION } from "../protocol/versions.ts"
import type { InvitationRecord } from "../store/records.ts"
import type { Draft, Versions } from "./draft.ts"
import { type Agreement, agree } from "./invitation-params.ts"

/** Somebody asks this contact address for a connection: stored until the user decides. Throws `AgentError` AGENT. */
export function receiveRequest(
  draft: Draft,
  { request, info }: Extract<AgentEnvelope, { readonly tag: "INVITATION" }>,
): void {
  const { record, env } = draft
  if (record.kind !== "contact") throw peerError({ type: "A_PROHIBITED", text: "inv: sent to message conn" })
  const { queues } = invitedTo(request)
  const put: InvitationRecord = {
    id: env.crypto.randomBytes(12),
    userId: record.userId,
    contactId: record.id,
    request,
    info,
    accepted: false,
    at: env.now,
  }
  draft.change({ table: "invitations", put })
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
