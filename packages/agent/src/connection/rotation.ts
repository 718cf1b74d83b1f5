import type { Server } from "@sluice/encoding/server-address"
import { sameQueue } from "@sluice/short-links/queue-uri"
import { AgentError, peerError, prohibited } from "../errors.ts"
import type { SwitchPhase } from "../events.ts"
import type { AMessage } from "../protocol/a-message.ts"
import type { ReceiveQueueRecord } from "../store/records.ts"
import { type Draft, primaryReceiveQueue } from "./draft.ts"
import { addReceiveQueue, type MadeQueue, plainServer, queueUri } from "./new-queues.ts"
import { enqueue } from "./outgoing.ts"
import { queueSecret } from "./queue-box.ts"
import { requireSendable, requireSynchronized } from "./sync-state.ts"

/*
 * The recipient's side of a queue rotation (agent.md §11): a new queue on another server takes the place of the old one,
 * and no message is lost, because both are received from until the first one comes in the new queue.
 */

/** The user wants another queue, on this server. Throws `AgentError` PROHIBITED or SIMPLEX. */
export function startSwitch(draft: Draft, server: Server): void {
  const { record } = draft
  const old = primaryReceiveQueue(record)
  if (old === undefined || record.sendQueues.length === 0) throw new AgentError({ code: "CONN", reason: "SIMPLEX" })
  if (old.switching !== undefined || record.planned !== undefined) throw prohibited("switch: already switching")
  requireSendable(draft)
  draft.setReceiveQueue(old.key, { switching: "switch_started" })
  draft.set({ planned: { purpose: "switch", server: plainServer(server), tried: [] } })
}

/** The new queue exists: the peer is told where it is. */
export function switchQueueCreated(draft: Draft, made: MadeQueue): void {
  const old = draft.record.receiveQueues.find(({ switching }) => switching === "switch_started")
  draft.set({ planned: undefined })
  if (old === undefined) {
    // Aborted meanwhile: nobody will ever know of the queue.
    addReceiveQueue(draft, made, { primary: false, deleting: { errors: 0 } })
    return
  }
  const queue = addReceiveQueue(draft, made, { primary: false, replaces: old.key })
  const { server, senderId } = old
  const added = { queue: queueUri(queue, draft.env.versions.client), replaced: { server, senderId } }
  enqueue(draft, { tag: "QADD", queues: [added] })
  draft.setReceiveQueue(old.key, { switching: "sending_qadd" })
  tell(draft, "started")
}

/** The peer's keys for the new queue. Throws `AgentError` A_QUEUE. */
export function receiveKeys(draft: Draft, { queues: [first] }: Extract<AMessage, { readonly tag: "QKEY" }>): void {
  requireSynchronized(draft)
  const { receiveQueues } = draft.record
  const queue = first && receiveQueues.find((one) => sameQueue(one, first.queue))
  const old = queue && receiveQueues.find(({ key }) => key === queue.replaces)
  if (first === undefined || queue === undefined || old === undefined) throw wrong("QKEY: queue address not found")
  if (old.switching !== "sending_qadd" || !(queue.status === "new" || queue.status === "confirmed")) {
    throw wrong("QKEY: unexpected queue status")
  }
  const e2eSecret = queueSecret(draft.env, queue, first.queue.dhKey)
  const clientVersion = Math.min(first.queue.clientVersion, draft.env.versions.client.max)
  draft.setReceiveQueue(queue.key, { status: "confirmed", e2eSecret, clientVersion, toSecure: first.key })
  tell(draft, "confirmed")
}

/** The server takes messages in the new queue from the peer only: it may be used. */
export function switchQueueSecured(draft: Draft, queue: ReceiveQueueRecord): void {
  const { server, senderId, replaces } = queue
  draft.setReceiveQueue(queue.key, { toSecure: undefined, status: "secured" })
  if (replaces === undefined) return
  enqueue(draft, { tag: "QUSE", queues: [{ address: { server, senderId }, primary: true }] })
  draft.setReceiveQueue(replaces, { switching: "sending_quse" })
  tell(draft, "secured")
}

/** The first message in a queue; in a new one it ends the rotation, but for deleting the old queue. */
export function firstMessageIn(draft: Draft, queue: ReceiveQueueRecord): void {
  const { replaces } = queue
  draft.setReceiveQueue(queue.key, {
    status: "active",
    replaces: undefined,
    primary: queue.primary || replaces !== undefined,
  })
  if (replaces === undefined) return
  draft.setReceiveQueue(replaces, { primary: false, switching: "received_message", deleting: { errors: 0 } })
}

/** The server has deleted a queue, or is not asked any more because of an error. */
export function receiveQueueDeleted(draft: Draft, queue: ReceiveQueueRecord, error?: AgentError): void {
  draft.set({ receiveQueues: draft.record.receiveQueues.filter(({ key }) => key !== queue.key) })
  if (queue.switching === "received_message") tell(draft, "completed")
  if (draft.record.deleted === undefined) return
  draft.emit({ type: "queues-deleted", queues: [{ connectionId: draft.id, server: queue.server, error }] })
}

/** The user gives up a rotation that has not gone too far. Throws `AgentError` PROHIBITED. */
export function abortSwitch(draft: Draft): void {
  const old = draft.record.receiveQueues.find(({ switching }) => switching !== undefined)
  if (old?.switching !== "switch_started" && old?.switching !== "sending_qadd")
    throw prohibited("switch: can not abort")
  const { planned, receiveQueues } = draft.record
  draft.set({
    planned: planned?.purpose === "switch" ? undefined : planned,
    receiveQueues: receiveQueues.map((queue) => {
      if (queue.key === old.key) return { ...queue, switching: undefined }
      return queue.replaces === old.key ? { ...queue, replaces: undefined, deleting: { errors: 0 } } : queue
    }),
  })
}

function tell(draft: Draft, phase: SwitchPhase): void {
  draft.emit({ type: "switch", connectionId: draft.id, direction: "receive", phase })
}

function wrong(text: string): AgentError {
  return peerError({ type: "A_QUEUE", text })
}
