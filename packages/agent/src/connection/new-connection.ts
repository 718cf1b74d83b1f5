import type { CryptoBackend } from "@sluice/crypto/backend"
import { CryptoError } from "@sluice/crypto/errors"
import type { KeyPair } from "@sluice/crypto/keys"
import { EMPTY } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { E2eInvitation } from "@sluice/ratchet/e2e-params"
import { proposeKeys } from "@sluice/ratchet/keys"
import { E2E_VERSION } from "@sluice/ratchet/versions"
import type { ContactRequest, InvitationRequest } from "@sluice/short-links/connection-request"
import { peerError } from "../errors.ts"
import { AGENT_VERSION } from "../protocol/versions.ts"
import type { ConnectionId, ConnectionRecord } from "../store/records.ts"
import type { Draft, Env } from "./draft.ts"
import { agree, ratchetParameters } from "./invitation-params.ts"
import { addSendQueue, plainServer } from "./new-queues.ts"
import { isSecurable } from "./queue-box.ts"

/** An ID that no other connection has, of this agent or any other: 12 bytes. */
export function newConnectionId(c: CryptoBackend): ConnectionId {
  return c.randomBytes(12)
}

/** A connection that has nothing yet. */
export function emptyConnection(
  env: Env,
  of: Pick<ConnectionRecord, "id" | "userId" | "kind" | "pq">,
): ConnectionRecord {
  return {
    ...of,
    version: env.versions.agent.max,
    lastInternalId: 0,
    lastSentId: 0,
    lastSentHash: EMPTY,
    lastReceivedId: 0n,
    lastReceivedHash: EMPTY,
    nextQueue: 1,
    receiveQueues: [],
    sendQueues: [],
    skipped: [],
    sync: "ok",
    confirmations: [],
  }
}

/** What a joining side decides. */
export interface JoinChoice {
  /** What the other user is told about this one. */
  readonly info: Uint8Array
  /** PQ keys are wanted. */
  readonly pq: boolean
  /** Where the own queue is to be made. */
  readonly server: Server
  readonly onlyCreate: boolean
  /** The key that the queue was secured with when its short link was read. */
  readonly secured?: KeyPair<"ed25519"> | undefined
}

/**
 * Starts to answer an invitation (agent.md §6): the queue to send to, with keys that all later attempts use again. What is
 * left, securing it, the reply queue and the confirmation, are steps. Throws `AgentError` A_VERSION.
 */
export function joinInvitation(draft: Draft, request: InvitationRequest, choice: JoinChoice): void {
  const { agent, queue, e2e = 0 } = agree(request, draft.env.versions)
  const pq = choice.pq && agent >= AGENT_VERSION.PQ_RATCHET && e2e >= E2E_VERSION.PQ
  const { info, onlyCreate, secured, server } = choice
  const e2eInvitation = ratchetParameters(request.e2e)
  requireUsable(draft.env, e2eInvitation)
  draft.set({ version: agent, pq })
  addSendQueue(draft, queue, secured && isSecurable(queue) ? { senderKeys: secured, status: "secured" } : {})
  draft.set({
    setup: { type: "join", info, e2e: e2eInvitation, onlyCreate },
    planned: { purpose: "reply", server: plainServer(server), tried: [] },
  })
}

/** Keys that give no secret are refused before anything is asked of a server. Throws `AgentError` A_CRYPTO. */
function requireUsable({ crypto }: Env, { key1, key2 }: E2eInvitation): void {
  const { privateKey } = crypto.generateKeyPair("x448")
  try {
    for (const key of [key1, key2]) crypto.diffieHellman(privateKey, key)
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    throw peerError({ type: "A_CRYPTO", error: { type: "RATCHET_HEADER" } })
  }
}

/**
 * Starts to ask a contact address (agent.md §7): an own queue and keys of an invitation, which then goes to the address.
 * Throws `AgentError` A_VERSION.
 */
export function askContact(draft: Draft, request: ContactRequest, choice: JoinChoice): void {
  const { agent, queue } = agree(request, draft.env.versions)
  const { crypto, kem } = draft.env
  const pq = choice.pq && agent >= AGENT_VERSION.PQ_RATCHET
  const { info, onlyCreate, server } = choice
  draft.set({
    version: agent,
    pq,
    // Who asks is the one that is connected to, so its invitation carries a KEM key if PQ is wanted at all.
    keys: proposeKeys({ crypto, kem }, pq),
    setup: { type: "request", info, address: queue, agentVersion: agent, onlyCreate },
    planned: { purpose: "request", server: plainServer(server), tried: [] },
  })
}
