import type { AuthKey } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import { isCompatible, type Version } from "@sluice/encoding/version"
import { type Decrypted, decrypt } from "@sluice/ratchet/decrypt"
import { RatchetError } from "@sluice/ratchet/errors"
import { acceptRatchet } from "@sluice/ratchet/init"
import { applySkipped, NO_SKIPPED, skippedKeyList } from "@sluice/ratchet/skipped"
import type { Ratchet } from "@sluice/ratchet/state"
import { E2E_VERSION } from "@sluice/ratchet/versions"
import { type AgentError, peerError } from "../errors.ts"
import { type AgentMessage, decodeAgentMessage } from "../protocol/agent-message.ts"
import type { AgentEnvelope } from "../protocol/envelope.ts"
import { AGENT_VERSION } from "../protocol/versions.ts"
import type { ConfirmationRecord, ReceiveQueueRecord } from "../store/records.ts"
import { type Draft, primarySendQueue } from "./draft.ts"
import { adopt, connected } from "./handshake.ts"
import { isKnown, remember } from "./hashes.ts"

/**
 * Confirmations that wait for the user, each some 20 KB of the connection's record. Whoever has the link of an invitation
 * that is not answered yet can send any number of them.
 */
export const MAX_CONFIRMATIONS = 16

/** A confirmation, opened from the box of its queue. */
export interface ReceivedConfirmation {
  readonly e2eSecret: Uint8Array
  readonly clientVersion: Version
  /** In the slow handshake. */
  readonly senderKey: AuthKey | undefined
  readonly envelope: Extract<AgentEnvelope, { readonly tag: "CONFIRMATION" }>
}

/** Either side's confirmation (agent.md §6 steps 5 and 8). Throws `AgentError` AGENT. */
export async function receiveConfirmation(
  draft: Draft,
  queue: ReceiveQueueRecord,
  received: ReceivedConfirmation,
): Promise<void> {
  // Nothing is stored of what anybody can send to an address at any time.
  if (draft.record.kind === "contact") throw wrong("conf: incorrect state")
  const hash = draft.env.crypto.sha256(received.envelope.encrypted)
  if (await isKnown(draft, hash)) return
  if (queue.status !== "new") throw wrong("conf: status /= new")
  const { e2e } = received.envelope
  if (e2e !== undefined && draft.record.keys !== undefined) fromJoiner(draft, queue, received, e2e)
  else if (e2e === undefined && draft.record.kind === "joined") fromInitiator(draft, queue, received)
  else throw wrong("conf: incorrect state")
  // In the slow handshake one that was not accepted leaves no other trace. One that is refused leaves none at all, or whoever
  // has the link could fill the store: it is refused again when it comes again.
  remember(draft, hash)
}

function fromJoiner(
  draft: Draft,
  queue: ReceiveQueueRecord,
  { e2eSecret, clientVersion, senderKey, envelope }: ReceivedConfirmation,
  e2e: NonNullable<ReceivedConfirmation["envelope"]["e2e"]>,
): void {
  const { crypto, kem, versions } = draft.env
  const { keys, pq: wanted } = draft.record
  if (keys === undefined) throw wrong("conf: incorrect state")
  if (draft.record.confirmations.length >= MAX_CONFIRMATIONS) throw wrong("conf: too many")
  if (!isCompatible(e2e.version, versions.e2e)) throw peerError({ type: "A_VERSION" })
  const version = Math.min(envelope.version, versions.agent.max)
  const pq = wanted && version >= AGENT_VERSION.PQ_RATCHET && e2e.version >= E2E_VERSION.PQ
  const ratchet = asPeerError(() => acceptRatchet({ crypto, kem }, keys, e2e, versions.e2e.max, pq))
  const opened = open(draft, ratchet, envelope.encrypted)
  const message = decoded(opened)
  const [reply] = message.tag === "CONN_INFO_REPLY" ? message.queues : []
  if (message.tag !== "CONN_INFO_REPLY" || reply === undefined) throw wrong("conf: not AgentConnInfoReply")
  const confirmation: ConfirmationRecord = {
    id: crypto.randomBytes(12),
    queue: queue.key,
    info: message.info,
    reply,
    pq,
    version,
    senderKey,
    e2eSecret,
    clientVersion,
    hash: crypto.sha256(opened.message),
    ratchet: opened.state,
    skipped: skippedKeyList(applySkipped(NO_SKIPPED, opened.skipped)),
  }
  // Without a key in it, nobody else can send to this queue: the joiner may do so before the user has decided.
  const only = senderKey === undefined
  if (only) adopt(draft, confirmation, opened.state)
  const kept = only ? { ...confirmation, ratchet: undefined } : confirmation
  draft.set({ confirmations: [...draft.record.confirmations, kept] })
  const { id: confirmationId, info } = confirmation
  draft.emit({ type: "confirmation", connectionId: draft.id, confirmationId, info, pq, servers: [reply.server] })
}

function fromInitiator(
  draft: Draft,
  queue: ReceiveQueueRecord,
  { e2eSecret, clientVersion, senderKey, envelope }: ReceivedConfirmation,
): void {
  const { ratchet } = draft.record
  if (ratchet === undefined) throw wrong("conf: incorrect state")
  const opened = open(draft, ratchet, envelope.encrypted)
  const message = decoded(opened)
  if (message.tag !== "CONN_INFO") throw wrong("conf: not AgentConnInfo")
  draft.set({
    ratchet: opened.state,
    skipped: skippedKeyList(applySkipped(NO_SKIPPED, opened.skipped)),
    lastReceivedId: 1n,
    lastReceivedHash: draft.env.crypto.sha256(opened.message),
  })
  draft.setReceiveQueue(queue.key, { e2eSecret, clientVersion })
  draft.emit({ type: "info", connectionId: draft.id, info: message.info, pq: opened.pq })
  if (senderKey !== undefined) {
    draft.setReceiveQueue(queue.key, { status: "confirmed", toSecure: senderKey })
    return
  }
  draft.setReceiveQueue(queue.key, { status: "active" })
  const sending = primarySendQueue(draft.record)
  if (sending !== undefined) draft.setSendQueue(sending.key, { status: "active" })
  connected(draft)
}

function open(draft: Draft, ratchet: Ratchet, encrypted: Uint8Array): Decrypted {
  const { crypto, kem } = draft.env
  const opened = decrypt({ crypto, kem }, ratchet, NO_SKIPPED, encrypted)
  if (!opened.ok) throw wrong("conf: decrypt error")
  return opened
}

function decoded({ message }: Decrypted): AgentMessage {
  try {
    return decodeAgentMessage(message)
  } catch (error) {
    if (error instanceof DecodeError) throw peerError({ type: "A_MESSAGE" })
    throw error
  }
}

function asPeerError<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof RatchetError) throw wrong("conf: decrypt error")
    throw error
  }
}

function wrong(text: string): AgentError {
  return peerError({ type: "A_PROHIBITED", text })
}
