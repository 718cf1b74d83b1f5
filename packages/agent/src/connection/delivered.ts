import type { Server } from "@sluice/encoding/server-address"
import { AgentError, type AgentProblem, isHostError, isWorthRetrying } from "../errors.ts"
import type { DeliveryRecord, SentRecord } from "../store/records.ts"
import type { Draft } from "./draft.ts"
import { confirmationDelivered, helloDelivered } from "./handshake.ts"
import { HASHES_KEPT } from "./hashes.ts"
import { FAST, nextRetry, SLOW } from "./retry.ts"
import { keysDelivered, testDelivered } from "./rotation-sender.ts"

/** A message is given up when it could not be delivered for so long, ms. */
export interface DeliveryLimits {
  /** To servers that can not be reached. */
  readonly unreachable: number
  /** To queues that are full. */
  readonly quota: number
}

/** 2 days and 7 days. */
export const DELIVERY_LIMITS: DeliveryLimits = { unreachable: 2 * 86_400_000, quota: 7 * 86_400_000 }

/** A server has taken a message of this queue. */
export async function deliverySucceeded(
  draft: Draft,
  delivery: DeliveryRecord,
  sent: SentRecord,
  proxy: Server | undefined,
): Promise<void> {
  removeDelivery(draft, delivery, sent, true)
  switch (sent.kind) {
    case "A_MSG":
      if (sent.delivered !== true && !isSilent(sent)) {
        draft.emit({ type: "sent", connectionId: draft.id, messageId: sent.internalId, proxy })
      }
      break
    case "CONFIRMATION":
      confirmationDelivered(draft, delivery.queue)
      break
    case "HELLO":
      helloDelivered(draft, delivery.queue)
      break
    case "QKEY":
      keysDelivered(draft)
      break
    case "QTEST":
      await testDelivered(draft, delivery.queue)
      break
    default:
  }
}

/** What a failure means: to try again at a time (ms since the epoch), or never. */
export async function deliveryFailed(
  draft: Draft,
  delivery: DeliveryRecord,
  sent: SentRecord,
  error: AgentError,
  limits: DeliveryLimits,
): Promise<void> {
  const { problem } = error
  const age = draft.env.now - sent.at
  if (isQuota(problem)) {
    if (sent.kind === "CONFIRMATION") giveUp(draft, delivery, sent, notAvailable(error))
    else if (age > limits.quota) await expire(draft, delivery, error, limits.quota)
    else retry(draft, delivery, sent, error, "slow")
  } else if (isWorthRetrying(problem)) {
    if (age > limits.unreachable) await expire(draft, delivery, error, limits.unreachable)
    else retry(draft, delivery, sent, isHostError(problem) ? error : undefined, "fast")
  } else giveUp(draft, delivery, sent, isAuth(problem) ? authError(draft, sent, error) : error)
}

function retry(
  draft: Draft,
  delivery: DeliveryRecord,
  sent: SentRecord,
  warning: AgentError | undefined,
  which: "fast" | "slow",
): void {
  const notBefore = draft.env.now + delivery[which].delay
  const schedule = which === "fast" ? FAST : SLOW
  const put = { ...delivery, [which]: nextRetry(delivery[which], schedule), notBefore }
  draft.change({ table: "deliveries", put })
  if (warning === undefined) return
  draft.emit({ type: "message-delayed", connectionId: draft.id, messageId: sent.internalId, error: warning })
}

/** All messages of the queue that are too old go together, so that the user is told once. */
async function expire(draft: Draft, { queue }: DeliveryRecord, error: AgentError, limit: number): Promise<void> {
  const messageIds: number[] = []
  for (const delivery of await draft.env.store.list("deliveries", { prefix: [draft.id, queue] })) {
    const sent = await draft.env.store.get("sent", [draft.id, delivery.sentId])
    if (sent === undefined || draft.env.now - sent.at <= limit) continue
    removeDelivery(draft, delivery, sent, false)
    messageIds.push(sent.internalId)
  }
  draft.emit({ type: "messages-failed", connectionId: draft.id, messageIds, error })
}

function giveUp(draft: Draft, delivery: DeliveryRecord, sent: SentRecord, error: AgentError): void {
  removeDelivery(draft, delivery, sent, false)
  if (sent.kind === "A_MSG") {
    draft.emit({ type: "messages-failed", connectionId: draft.id, messageIds: [sent.internalId], error })
  } else draft.emit({ type: "error", connectionId: draft.id, error })
}

/** The message leaves this queue; with the last one its content goes, and what no receipt can come for altogether. */
function removeDelivery(draft: Draft, { queue, sentId }: DeliveryRecord, sent: SentRecord, delivered: boolean): void {
  const connectionId = draft.id
  // One that was given to another queue while it was on its way needs no second way, now that it has arrived.
  const moved = delivered && !sent.pending.includes(queue)
  const pending = moved ? [] : sent.pending.filter((key) => key !== queue)
  for (const key of moved ? sent.pending : [])
    draft.change({ table: "deliveries", remove: [connectionId, key, sentId] })
  const isDelivered = sent.delivered === true || delivered
  draft.change({ table: "deliveries", remove: [connectionId, queue, sentId] })
  if (pending.length > 0) {
    draft.change({ table: "sent", put: { ...sent, pending, delivered: isDelivered } })
  } else if (sent.kind === "A_MSG" && isDelivered && !isSilent(sent)) {
    const at = Math.floor(draft.env.now / 1000) + HASHES_KEPT
    draft.change(
      { table: "sent", put: { ...sent, pending, delivered: true, content: undefined } },
      { table: "expiries", put: { at, connectionId, of: { table: "sent", sentId } } },
    )
  } else draft.change({ table: "sent", remove: [connectionId, sentId] })
}

/** Noise: nobody is told of it. */
function isSilent({ silent }: SentRecord): boolean {
  return silent === true
}

function isQuota(problem: AgentProblem): boolean {
  return problem.code === "SMP" && problem.error.type === "QUOTA"
}

function isAuth(problem: AgentProblem): boolean {
  return problem.code === "SMP" && problem.error.type === "AUTH"
}

/** What a refusal by the peer's queue means for each kind of message. */
function authError(draft: Draft, { kind }: SentRecord, error: AgentError): AgentError {
  switch (kind) {
    case "CONFIRMATION":
    case "RATCHET_KEY":
      return notAvailable(error)
    case "HELLO": {
      const reason = draft.record.kind === "joined" ? "NOT_ACCEPTED" : "NOT_AVAILABLE"
      return new AgentError({ code: "CONN", reason }, { cause: error })
    }
    case "QADD":
    case "QKEY":
    case "QUSE":
    case "QTEST":
      return new AgentError({ code: "AGENT", error: { type: "A_QUEUE", text: `${kind}: AUTH` } }, { cause: error })
    default:
      return error
  }
}

function notAvailable(cause: AgentError): AgentError {
  return new AgentError({ code: "CONN", reason: "NOT_AVAILABLE" }, { cause })
}
