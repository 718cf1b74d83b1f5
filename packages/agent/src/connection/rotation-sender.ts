import { compatibleVersion } from "@sluice/encoding/version"
import { sameQueue } from "@sluice/short-links/queue-uri"
import { type AgentError, peerError } from "../errors.ts"
import type { SwitchPhase } from "../events.ts"
import type { AMessage } from "../protocol/a-message.ts"
import type { SendQueueRecord } from "../store/records.ts"
import type { Draft } from "./draft.ts"
import { addSendQueue } from "./new-queues.ts"
import { enqueue } from "./outgoing.ts"
import { requireSynchronized } from "./sync-state.ts"

/* The sender's side of a queue rotation (agent.md §11). */

/** The peer has another queue for us. Throws `AgentError` A_QUEUE or A_VERSION. */
export function receiveAdded(draft: Draft, { queues: [first] }: Extract<AMessage, { readonly tag: "QADD" }>): void {
  requireSynchronized(draft)
  if (first === undefined) return
  const { queue, replaced } = first
  const clientVersion = compatibleVersion(draft.env.versions.client, queue.versions)
  if (clientVersion === undefined) throw peerError({ type: "A_VERSION" })
  const { sendQueues } = draft.record
  if (sendQueues.some((one) => sameQueue(one, queue))) {
    throw wrong("QADD: queue address is already used in connection")
  }
  if (replaced === undefined) throw wrong("QADD: no replaced queue")
  const old = sendQueues.find((one) => sameQueue(one, replaced))
  if (old === undefined) throw wrong("QADD: replaced queue address is not found in connection")
  // An earlier rotation of this queue that came to no end.
  for (const { key } of sendQueues.filter(({ replaces }) => replaces === old.key)) removeSendQueue(draft, key)
  const { server, senderId, dhKey, mode } = queue
  const info = { clientVersion, server, senderId, dhKey, mode }
  const added = addSendQueue(draft, info, { primary: false, replaces: old.key })
  const keyed = { queue: { ...info, dhKey: added.e2eKeys.publicKey }, key: added.senderKeys.publicKey }
  enqueue(draft, { tag: "QKEY", queues: [keyed] })
  draft.setSendQueue(old.key, { switching: "sending_qkey" })
  tell(draft, "started")
}

/** `QKEY` was delivered. */
export function keysDelivered(draft: Draft): void {
  if (draft.record.sendQueues.some(({ switching }) => switching === "sending_qkey")) tell(draft, "confirmed")
}

/** The new queue is secured: a message in it ends the rotation. Throws `AgentError` A_QUEUE. */
export async function receiveUse(
  draft: Draft,
  { queues: [first] }: Extract<AMessage, { readonly tag: "QUSE" }>,
): Promise<void> {
  requireSynchronized(draft)
  const { sendQueues } = draft.record
  const queue = first && sendQueues.find((one) => sameQueue(one, first.address))
  const old = queue && sendQueues.find(({ key }) => key === queue.replaces)
  if (queue === undefined || old === undefined) throw wrong("QUSE: switched queue address not found in connection")
  if (old.switching !== "sending_qkey") throw wrong("QUSE: unexpected queue status")
  draft.setSendQueue(queue.key, { status: "secured" })
  await moveDeliveries(draft, old, queue)
  const { server, senderId } = queue
  enqueue(draft, { tag: "QTEST", addresses: [{ server, senderId }] }, { queues: [queue.key] })
  draft.setSendQueue(old.key, { switching: "sending_qtest" })
  tell(draft, "secured")
}

/** `QTEST` was delivered: the new queue takes the place of the old one. */
export async function testDelivered(draft: Draft, key: number): Promise<void> {
  const queue = draft.sendQueue(key)
  const old = draft.record.sendQueues.find((one) => one.key === queue?.replaces)
  if (queue === undefined || old === undefined) return
  // What was sent since then went to both queues, or is to go to the new one.
  await moveDeliveries(draft, old, queue)
  draft.setSendQueue(key, { status: "active", primary: true, replaces: undefined })
  draft.set({ sendQueues: draft.record.sendQueues.filter((one) => one.key !== old.key) })
  tell(draft, "completed")
}

/**
 * What waits for the old queue goes to the new one, so that nothing is lost if the old server never answers again. The
 * messages are older than the `QTEST` behind them, so the order stays.
 */
async function moveDeliveries(draft: Draft, from: SendQueueRecord, to: SendQueueRecord): Promise<void> {
  const { env, id } = draft
  for (const delivery of await env.store.list("deliveries", { prefix: [id, from.key] })) {
    const sent = await env.store.get("sent", [id, delivery.sentId])
    draft.change({ table: "deliveries", remove: [id, from.key, delivery.sentId] })
    if (sent === undefined) continue
    const pending = [...sent.pending.filter((key) => key !== from.key && key !== to.key), to.key]
    draft.change(
      { table: "deliveries", put: { ...delivery, queue: to.key, notBefore: 0 } },
      { table: "sent", put: { ...sent, pending } },
    )
  }
}

/** Forgets a queue; what waits for it is found to have no queue, and dropped. */
function removeSendQueue(draft: Draft, key: number): void {
  draft.set({ sendQueues: draft.record.sendQueues.filter((queue) => queue.key !== key) })
}

function tell(draft: Draft, phase: SwitchPhase): void {
  draft.emit({ type: "switch", connectionId: draft.id, direction: "send", phase })
}

function wrong(text: string): AgentError {
  return peerError({ type: "A_QUEUE", text })
}
