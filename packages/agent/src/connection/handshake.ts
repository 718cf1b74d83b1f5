import { compatibleVersion } from "@sluice/encoding/version"
import { joinRatchet } from "@sluice/ratchet/init"
import { joinerKeys, publicInvitation, publicParams } from "@sluice/ratchet/keys"
import { formatFullLink } from "@sluice/short-links/full-link"
import { peerError, prohibited } from "../errors.ts"
import { encodeEnvelope } from "../protocol/envelope.ts"
import type { ConfirmationRecord, ReceiveQueueRecord, SetupRecord } from "../store/records.ts"
import { type Draft, primaryReceiveQueue, primarySendQueue } from "./draft.ts"
import { linkParameters } from "./invitation-params.ts"
import { addReceiveQueue, addSendQueue, type MadeQueue, queueInfo, queueUri } from "./new-queues.ts"
import { enqueue, enqueueConfirmation } from "./outgoing.ts"
import { isSecurable, sealRequest } from "./queue-box.ts"
import { switchQueueSecured } from "./rotation.ts"

/** The server has secured the queue with our key, or had done so before. */
export function sendQueueSecured(draft: Draft, key: number): void {
  if (draft.sendQueue(key)?.status === "new") draft.setSendQueue(key, { status: "secured" })
}

/** The planned queue of a joining side exists: now the confirmation can be made, once. */
export function replyQueueCreated(draft: Draft, made: MadeQueue): ReceiveQueueRecord {
  const { setup } = draft.record
  const queue = addReceiveQueue(draft, made, { onlyCreate: setup?.onlyCreate })
  draft.set({ planned: undefined })
  if (setup?.type === "join") confirm(draft, setup, queue)
  return queue
}

/** The joiner's confirmation: a sending ratchet, its public keys, and the reply queue. */
function confirm(
  draft: Draft,
  { info, e2e }: Extract<SetupRecord, { readonly type: "join" }>,
  reply: ReceiveQueueRecord,
): void {
  const { record, env } = draft
  const queue = primarySendQueue(record)
  const version = compatibleVersion(env.versions.e2e, e2e.versions)
  if (queue === undefined || version === undefined) throw prohibited("join: no queue or version")
  const c = { crypto: env.crypto, kem: env.kem }
  const own = joinerKeys(c, e2e, version, record.pq)
  draft.set({ ratchet: joinRatchet(c, own, e2e, { current: version, max: env.versions.e2e.max }), setup: undefined })
  const queues = [queueInfo(reply, queue.clientVersion)]
  enqueueConfirmation(draft, queue, { tag: "CONN_INFO_REPLY", queues, info }, publicParams(own, version))
}

/** The body of the request to a contact address. */
export function requestBody({ record, env }: Draft): Uint8Array {
  const { setup, keys } = record
  const own = primaryReceiveQueue(record)
  if (setup?.type !== "request" || keys === undefined || own === undefined) throw prohibited("request: no queue")
  const request = formatFullLink({
    kind: "invitation",
    agentVersions: env.versions.agent,
    queues: [queueUri(own, env.versions.client)],
    e2e: linkParameters(publicInvitation(keys, env.versions.e2e)),
  })
  const version = setup.agentVersion
  return sealRequest(env, setup.address, encodeEnvelope({ tag: "INVITATION", version, request, info: setup.info }))
}

/** The contact address has the request: what happens next is up to the other side. */
export function requestSent(draft: Draft): void {
  draft.set({ setup: undefined })
}

/** The user accepts one confirmation of an invitation. Throws `AgentError` PROHIBITED. */
export function allow(draft: Draft, confirmation: ConfirmationRecord, info: Uint8Array): void {
  const { record } = draft
  if (record.confirmations.some(({ accepted }) => accepted)) throw prohibited("allow: one is accepted already")
  if (confirmation.ratchet !== undefined) adopt(draft, confirmation, confirmation.ratchet)
  const confirmations = draft.record.confirmations.map((one) =>
    one === confirmation ? { ...one, accepted: true, ratchet: undefined, skipped: [] } : one,
  )
  draft.set({ confirmations })
  const queue = addSendQueue(draft, confirmation.reply, { primary: true })
  if (confirmation.senderKey !== undefined)
    draft.setReceiveQueue(confirmation.queue, { toSecure: confirmation.senderKey })
  enqueueConfirmation(draft, queue, { tag: "CONN_INFO", info })
}

/** The state of the connection becomes what a confirmation has brought. */
export function adopt(draft: Draft, confirmation: ConfirmationRecord, ratchet: ConfirmationRecord["ratchet"]): void {
  const { queue, e2eSecret, clientVersion, pq, version, hash, skipped } = confirmation
  draft.set({
    ratchet,
    skipped,
    pq,
    version,
    keys: undefined,
    links: undefined,
    lastReceivedId: 1n,
    lastReceivedHash: hash,
  })
  draft.setReceiveQueue(queue, { status: "confirmed", e2eSecret, clientVersion })
}

/** The recipient's server knows the sender's key now (`KEY`). A joiner then says hello. */
export function receiveQueueSecured(draft: Draft, key: number): void {
  const queue = draft.receiveQueue(key)
  if (queue?.toSecure === undefined) return
  if (queue.replaces !== undefined) {
    switchQueueSecured(draft, queue)
    return
  }
  draft.setReceiveQueue(key, { toSecure: undefined, status: "secured" })
  if (draft.record.kind === "joined") enqueue(draft, { tag: "HELLO" })
}

/** A confirmation was delivered: with a queue that its sender secures, that is all there is to do. */
export function confirmationDelivered(draft: Draft, key: number): void {
  const queue = draft.sendQueue(key)
  if (queue === undefined) throw peerError({ type: "A_QUEUE", text: "confirmation: no queue" })
  if (draft.record.kind === "joined") {
    draft.setSendQueue(key, { status: "confirmed" })
    return
  }
  draft.set({ confirmations: [] })
  if (isSecurable(queue)) {
    draft.setSendQueue(key, { status: "active" })
    connected(draft)
  } else draft.setSendQueue(key, { status: "confirmed" })
}

/** The own hello was delivered. */
export function helloDelivered(draft: Draft, key: number): void {
  draft.setSendQueue(key, { status: "active" })
  if (primaryReceiveQueue(draft.record)?.status === "active") connected(draft)
}

/** The peer says hello, which only happens in the slow handshake. `draft` has the receiving queue active already. */
export function helloReceived(draft: Draft): void {
  const queue = primarySendQueue(draft.record)
  if (queue?.status === "active") connected(draft)
  else if (draft.record.kind !== "joined") enqueue(draft, { tag: "HELLO" })
}

/** Both sides can send. */
export function connected(draft: Draft): void {
  const { connected: told, ratchet } = draft.record
  if (told === true) return
  draft.set({ connected: true })
  const pq = ratchet?.sendingKem === true || ratchet?.receivingKem === true
  draft.emit({ type: "connected", connectionId: draft.id, pq })
}
