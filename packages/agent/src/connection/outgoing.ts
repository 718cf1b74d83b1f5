import { EMPTY } from "@sluice/encoding/bytes"
import type { E2eParams } from "@sluice/ratchet/e2e-params"
import { prepareMessage } from "@sluice/ratchet/encrypt"
import { RatchetError } from "@sluice/ratchet/errors"
import { encryptBody } from "@sluice/ratchet/message-key"
import { paddedConfirmationLength, paddedMessageLength } from "@sluice/ratchet/sizes"
import { AgentError, prohibited } from "../errors.ts"
import { type AMessage, notifies } from "../protocol/a-message.ts"
import { type AgentMessage, encodeAgentMessage } from "../protocol/agent-message.ts"
import { encodeEnvelope } from "../protocol/envelope.ts"
import { AGENT_VERSION } from "../protocol/versions.ts"
import type { SendQueueRecord, SentContent, SentRecord } from "../store/records.ts"
import { type Draft, primarySendQueue } from "./draft.ts"
import { FAST, firstRetry, SLOW } from "./retry.ts"

/** How a message is sent. */
export interface SendRules {
  /** Whether the peer's notifier is told; default by kind. */
  readonly notify?: boolean | undefined
  /** PQ on or off from this message on; default as it is. */
  readonly pq?: boolean | undefined
  /** Only to these queues; default the primary one and all others that are in use. */
  readonly queues?: readonly number[] | undefined
  /** Noise. */
  readonly silent?: boolean | undefined
}

/** Numbers of a message that was put into the outgoing order. */
export interface Enqueued {
  readonly messageId: number
  readonly sentId: number
  /** A KEM secret protects it. */
  readonly pq: boolean
}

/** Bytes of `pad`'s length prefix. */
const PREFIX = 2

/**
 * Puts a message into the outgoing order of its queues: its number in the own chain, the hash of the one before, and a key
 * of the ratchet that is never used for another. Everything is in the draft, so that key, message and the ratchet's next
 * state are stored together, before anything is sent. Throws `AgentError` CMD LARGE, or PROHIBITED without a ratchet.
 */
export function enqueue(draft: Draft, message: AMessage, rules: SendRules = {}): Enqueued {
  const { record } = draft
  const plain = encodeAgentMessage({
    tag: "MESSAGE",
    id: BigInt(record.lastSentId + 1),
    previousHash: record.lastSentHash,
    message,
  })
  // Whoever sends with PQ wants it for the connection; sending without does not take it back.
  const pq = record.pq || (rules.pq === true && record.version >= AGENT_VERSION.PQ_RATCHET)
  draft.set({ pq })
  const padded = paddedMessageLength(record.version, pq)
  const version = draft.env.versions.agent.max
  const { content, pqUsed } = encrypted(draft, plain, { version, padded, pq: rules.pq })
  const queues = rules.queues ?? targets(draft)
  const notify = rules.notify ?? notifies(message.tag)
  return { ...store(draft, { kind: message.tag, notify, silent: rules.silent }, plain, content, queues), pq: pqUsed }
}

/** Puts a confirmation for one queue into the outgoing order. */
export function enqueueConfirmation(
  draft: Draft,
  queue: SendQueueRecord,
  message: Extract<AgentMessage, { readonly tag: "CONN_INFO" | "CONN_INFO_REPLY" }>,
  e2e?: E2eParams,
): Enqueued {
  const { record } = draft
  const plain = encodeAgentMessage(message)
  const padded = paddedConfirmationLength(record.version, record.pq)
  const { content, pqUsed } = encrypted(draft, plain, { version: record.version, padded, pq: record.pq })
  const confirmation: SentContent = { ...content, confirmation: { e2e } }
  return { ...store(draft, { kind: "CONFIRMATION", notify: true }, plain, confirmation, [queue.key]), pq: pqUsed }
}

/** Puts keys for a new ratchet into the outgoing order of all queues. They enter the own chain. */
export function enqueueRatchetKey(draft: Draft, e2e: E2eParams): Enqueued {
  const plain = encodeAgentMessage({ tag: "RATCHET_INFO", info: EMPTY })
  const version = draft.env.versions.agent.max
  const content: SentContent = { type: "ratchet-key", version, e2e }
  return { ...store(draft, { kind: "RATCHET_KEY", notify: true }, plain, content, targets(draft)), pq: false }
}

/** The agent envelope of a stored message; the same bytes each time. */
export function envelopeOf(draft: Pick<Draft, "env">, content: SentContent): Uint8Array {
  if (content.type === "ratchet-key") {
    const { version, e2e } = content
    return encodeEnvelope({ tag: "RATCHET_KEY", version, e2e, info: RATCHET_INFO })
  }
  const { version, key, plain, padded, confirmation } = content
  const { crypto, kem } = draft.env
  const body = encryptBody({ crypto, kem }, key, plain, padded)
  if (confirmation === undefined) return encodeEnvelope({ tag: "MESSAGE", version, encrypted: body })
  return encodeEnvelope({ tag: "CONFIRMATION", version, e2e: confirmation.e2e, encrypted: body })
}

const RATCHET_INFO = encodeAgentMessage({ tag: "RATCHET_INFO", info: EMPTY })

interface Encrypting {
  readonly version: number
  readonly padded: number
  readonly pq: boolean | undefined
}

/** Takes one key of the ratchet for a message. */
function encrypted(
  draft: Draft,
  plain: Uint8Array,
  { version, padded, pq }: Encrypting,
): { content: Extract<SentContent, { readonly type: "ratchet" }>; pqUsed: boolean } {
  const { crypto, kem, versions } = draft.env
  const { ratchet } = draft.record
  if (ratchet === undefined) throw prohibited("no ratchet")
  if (plain.length > padded - PREFIX) throw new AgentError({ code: "CMD", reason: "LARGE", context: "message" })
  try {
    const prepared = prepareMessage({ crypto, kem }, ratchet, { pq, maxVersion: versions.e2e.max })
    draft.set({ ratchet: prepared.state })
    return { content: { type: "ratchet", version, key: prepared.key, plain, padded }, pqUsed: prepared.pq }
  } catch (cause) {
    if (!(cause instanceof RatchetError)) throw cause
    throw new AgentError({ code: "INTERNAL", text: cause.problem.code }, { cause })
  }
}

/** The primary queue, and all others that work. */
function targets({ record }: Draft): number[] {
  const primary = primarySendQueue(record)
  const others = record.sendQueues.filter(
    (queue) => queue !== primary && (queue.status === "secured" || queue.status === "active"),
  )
  return [...(primary === undefined ? [] : [primary.key]), ...others.map(({ key }) => key)]
}

function store(
  draft: Draft,
  what: Pick<SentRecord, "kind" | "notify" | "silent">,
  plain: Uint8Array,
  content: SentContent,
  pending: readonly number[],
): { messageId: number; sentId: number } {
  const { record, env } = draft
  const sentId = record.lastSentId + 1
  const internalId = record.lastInternalId + 1
  const hash = env.crypto.sha256(plain)
  draft.set({ lastSentId: sentId, lastInternalId: internalId, lastSentHash: hash })
  const connectionId = record.id
  const put: SentRecord = { connectionId, sentId, internalId, ...what, hash, at: env.now, content, pending }
  draft.change({ table: "sent", put })
  for (const queue of pending) {
    const retry = { fast: firstRetry(FAST), slow: firstRetry(SLOW), notBefore: 0 }
    draft.change({ table: "deliveries", put: { connectionId, queue, sentId, ...retry } })
  }
  return { messageId: internalId, sentId }
}
