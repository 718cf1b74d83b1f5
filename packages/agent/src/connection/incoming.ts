import { equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { type Decrypted, decrypt, type NotDecrypted } from "@sluice/ratchet/decrypt"
import type { RatchetProblem } from "@sluice/ratchet/errors"
import { resyncAdvice } from "@sluice/ratchet/resync"
import { applySkipped, type SkippedChange, skippedBeyond, skippedKeyList, skippedKeysOf } from "@sluice/ratchet/skipped"
import type { Ratchet } from "@sluice/ratchet/state"
import { AgentError, type PeerError, peerError } from "../errors.ts"
import type { AgentEvent, MessageMeta } from "../events.ts"
import type { AMessage } from "../protocol/a-message.ts"
import { type AgentMessage, decodeAgentMessage } from "../protocol/agent-message.ts"
import type { AgentEnvelope } from "../protocol/envelope.ts"
import { integrityOf } from "../protocol/integrity.ts"
import { raisedVersion } from "../protocol/versions.ts"
import type { ReceivedRecord, ReceiveQueueRecord } from "../store/records.ts"
import type { AckBy, Arrival } from "./arrival.ts"
import type { Draft } from "./draft.ts"
import { helloReceived } from "./handshake.ts"
import { isKnown, remember } from "./hashes.ts"
import { isNoise } from "./noise.ts"
import { receiveContinue } from "./quota.ts"
import { receiveReceipts } from "./receipts.ts"
import { receiveReady } from "./resync.ts"
import { firstMessageIn, receiveKeys } from "./rotation.ts"
import { receiveAdded, receiveUse } from "./rotation-sender.ts"
import { syncFailed, synchronized } from "./sync-state.ts"

/** Keys of messages that have not come yet, for one connection. A peer could make us keep any number of them. */
const MAX_SKIPPED_KEYS = 2048

/** A message that is not acknowledged for so long and so often is given up. */
const MAX_ATTEMPTS = 8
const GIVE_UP_AFTER = 86_400_000

type MessageEnvelope = Extract<AgentEnvelope, { readonly tag: "MESSAGE" }>

/** A ratchet message (agent.md §5, §8). Throws `AgentError` AGENT for what can not be read. */
export async function receiveMessage(
  draft: Draft,
  queue: ReceiveQueueRecord,
  arrival: Arrival,
  { encrypted, version }: MessageEnvelope,
): Promise<AckBy> {
  const { crypto, kem } = draft.env
  const hash = crypto.sha256(encrypted)
  if (await isKnown(draft, hash)) return await receivedAgain(draft, arrival)
  const { ratchet } = draft.record
  if (ratchet === undefined) throw peerError({ type: "A_PROHIBITED", text: "msg: no ratchet" })
  const skipped = skippedKeysOf(draft.record.skipped)
  const opened = decrypt({ crypto, kem }, ratchet, skipped, encrypted)
  saveRatchet(draft, opened)
  if (!opened.ok) {
    failed(draft, opened)
    return "agent"
  }
  remember(draft, hash)
  draft.set({ version: raisedVersion(draft.record.version, version, draft.env.versions.agent) })
  synchronized(draft)
  return await take(draft, queue, arrival, opened, ratchet)
}

async function take(
  draft: Draft,
  queue: ReceiveQueueRecord,
  arrival: Arrival,
  opened: Decrypted,
  before: Ratchet,
): Promise<AckBy> {
  const message = decoded(opened.message)
  if (message.tag !== "MESSAGE") throw peerError({ type: "A_PROHIBITED", text: "msg: bad agent msg" })
  const { record } = draft
  const hash = draft.env.crypto.sha256(opened.message)
  const integrity = integrityOf(
    { id: record.lastReceivedId, hash: record.lastReceivedHash },
    message.id,
    message.previousHash,
  )
  const internalId = record.lastInternalId + 1
  draft.set({ lastInternalId: internalId, lastReceivedId: message.id, lastReceivedHash: hash })
  if (queue.status !== "active") firstMessageIn(draft, queue)
  const put: ReceivedRecord = {
    connectionId: record.id,
    internalId,
    queue: queue.key,
    serverId: arrival.serverId,
    serverTime: arrival.serverTime,
    externalId: message.id,
    kind: "A_MSG",
    hash,
    integrity,
    pq: opened.pq,
    notify: arrival.notify,
    body: new Uint8Array(0),
    at: draft.env.now,
    attempts: 1,
    acked: false,
  }
  return await dispatch(draft, message.message, put, before)
}

/** What the kinds of messages do. Those for the user wait until the user has acknowledged them. */
async function dispatch(draft: Draft, message: AMessage, put: ReceivedRecord, before: Ratchet): Promise<AckBy> {
  switch (message.tag) {
    case "A_MSG":
      if (isNoise(message.body)) return "agent"
      return forUser(draft, { ...put, body: message.body })
    case "A_RCVD": {
      const receipts = await receiveReceipts(draft, message.receipts)
      return receipts.length === 0 ? "agent" : forUser(draft, { ...put, kind: "A_RCVD", receipts })
    }
    case "HELLO":
      helloReceived(draft)
      break
    case "A_QCONT":
      await receiveContinue(draft, message)
      break
    case "QADD":
      receiveAdded(draft, message)
      break
    case "QKEY":
      receiveKeys(draft, message)
      break
    case "QUSE":
      await receiveUse(draft, message)
      break
    case "QTEST":
      // That it came in the new queue is all that it says.
      break
    case "EREADY":
      receiveReady(draft, before)
  }
  return "agent"
}

function forUser(draft: Draft, put: ReceivedRecord): AckBy {
  draft.change({ table: "received", put })
  draft.emit(userEvent(put))
  return "user"
}

/** The event for a stored message; the same each time it is handed out. */
export function userEvent(record: ReceivedRecord): AgentEvent {
  const { connectionId, internalId, integrity, serverTime, externalId, pq, notify, body, receipts } = record
  const meta: MessageMeta = { messageId: internalId, integrity, serverTime, externalId, pq }
  if (record.kind === "A_RCVD") {
    const results = receipts?.map(({ messageId, status }) => ({ messageId, status })) ?? []
    return { type: "receipt", connectionId, meta, receipts: results }
  }
  return { type: "message", connectionId, meta, notify, body }
}

/** A processed message comes again, because the server has not heard of our acknowledgement (agent.md §8). */
async function receivedAgain(draft: Draft, { serverId }: Arrival): Promise<AckBy> {
  const kept = await draft.env.store.list("received", { prefix: [draft.id] })
  const record = kept.find((one) => equalBytes(one.serverId, serverId))
  if (record === undefined) return "agent"
  const remove = { table: "received", remove: [record.connectionId, record.internalId] } as const
  if (record.acked) {
    draft.change(remove)
    return "agent"
  }
  const attempts = record.attempts + 1
  if (record.kind === "A_MSG" && attempts > MAX_ATTEMPTS && draft.env.now - record.at >= GIVE_UP_AFTER) {
    draft.change(remove)
    draft.complain({ type: "A_DUPLICATE", dropped: { messageId: record.internalId, attempts } })
    return "agent"
  }
  const put = { ...record, attempts }
  draft.change({ table: "received", put })
  draft.emit(userEvent(put))
  return "user"
}

function saveRatchet(
  draft: Draft,
  { state, skipped }: { readonly state: Ratchet; readonly skipped: SkippedChange },
): void {
  draft.set({ ratchet: state })
  if (skipped.type === "none") return
  const keys = applySkipped(skippedKeysOf(draft.record.skipped), skipped)
  const tooMany = skippedBeyond(keys, MAX_SKIPPED_KEYS).length
  draft.set({ skipped: skippedKeyList(keys).slice(tooMany) })
}

/** Tells the user, and remembers whether a new ratchet is needed. */
function failed(draft: Draft, { problem }: NotDecrypted): void {
  const error = errorOf(problem)
  if (error === undefined) {
    draft.emit({
      type: "error",
      connectionId: draft.id,
      error: new AgentError({ code: "INTERNAL", text: problem.code }),
    })
    return
  }
  draft.complain(error)
  const advice = resyncAdvice(problem)
  if (advice !== undefined) syncFailed(draft, advice, error)
}

/** The agent's words for what the ratchet says (crypto.md §11). */
function errorOf(problem: RatchetProblem): PeerError | undefined {
  switch (problem.code) {
    case "HEADER_SYNTAX":
      return { type: "A_MESSAGE" }
    case "DUPLICATE":
      return { type: "A_DUPLICATE" }
    case "DECRYPT":
      return { type: "A_CRYPTO", error: { type: "DECRYPT_AES" } }
    case "HEADER":
      return { type: "A_CRYPTO", error: { type: "RATCHET_HEADER" } }
    case "EARLIER":
      return { type: "A_CRYPTO", error: { type: "RATCHET_EARLIER", count: problem.count } }
    case "TOO_MANY_SKIPPED":
      return { type: "A_CRYPTO", error: { type: "RATCHET_SKIPPED", count: problem.count } }
    default:
      return undefined
  }
}

function decoded(bytes: Uint8Array): AgentMessage {
  try {
    return decodeAgentMessage(bytes)
  } catch (error) {
    if (error instanceof DecodeError) throw peerError({ type: "A_MESSAGE" })
    throw error
  }
}
