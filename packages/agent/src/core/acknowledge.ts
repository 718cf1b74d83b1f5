import type { Draft } from "../connection/draft.ts"
import { receiptInfo } from "../connection/noise.ts"
import { enqueue } from "../connection/outgoing.ts"
import { canSend } from "../connection/sync-state.ts"
import { prohibited } from "../errors.ts"
import { AGENT_VERSION } from "../protocol/versions.ts"
import type { ConnectionId, ReceivedRecord } from "../store/records.ts"
import type { AgentContext } from "./context.ts"

/**
 * The user is done with a message (agent.md §10). That, and the receipt if one is wanted, are stored before the server is
 * told: should it not hear of it, it delivers the message again, and the agent acknowledges by itself.
 */
export async function acknowledge(
  context: AgentContext,
  connectionId: ConnectionId,
  messageId: number,
  receipt: Uint8Array | undefined,
): Promise<void> {
  const { connections, store, pool, subscriptions, receiver } = context
  const wantsNoise = pool.settings.noise !== undefined
  const { received, queue, userId } = await connections.change(connectionId, async (draft) => {
    const found = await store.get("received", [connectionId, messageId])
    if (found === undefined || found.acked) throw prohibited("ack: no such message")
    if (receipt !== undefined) sendReceipt(draft, found, receipt.length > 0 ? receipt : receiptInfo(wantsNoise))
    if (found.kind === "A_RCVD") forgetSent(draft, found)
    draft.change({ table: "received", put: { ...found, acked: true } })
    return {
      received: found,
      queue: draft.record.receiveQueues.find(({ key }) => key === found.queue),
      userId: draft.record.userId,
    }
  })
  if (queue !== undefined) {
    const session = subscriptions.sessionOf(queue) ?? pool.session({ userId, connectionId }, queue.server)
    if (!(await receiver.acknowledged(connectionId, session, queue, received.serverId))) return
  }
  await store.commit([{ table: "received", remove: [connectionId, messageId] }])
}

/** To peers of older agents nothing is sent. */
function sendReceipt(draft: Draft, { kind, externalId, hash }: ReceivedRecord, info: Uint8Array): void {
  if (kind !== "A_MSG") throw prohibited("ack: receipt of a receipt")
  const { version, sync, sendQueues } = draft.record
  if (version < AGENT_VERSION.RECEIPTS || !canSend(sync) || sendQueues.length === 0) return
  enqueue(draft, { tag: "A_RCVD", receipts: [{ id: externalId, hash, info }] })
}

/** The receipts were right and the user knows: the messages that they are for need not be kept any longer. */
function forgetSent(draft: Draft, { receipts = [] }: ReceivedRecord): void {
  for (const { sentId, status } of receipts) {
    if (status === "ok") draft.change({ table: "sent", remove: [draft.id, sentId] })
  }
}
