import { sameQueue } from "@sluice/short-links/queue-uri"
import { peerError } from "../errors.ts"
import type { AMessage } from "../protocol/a-message.ts"
import type { ReceiveQueueRecord } from "../store/records.ts"
import type { Draft } from "./draft.ts"
import { enqueue } from "./outgoing.ts"

/** The own queue was full, and now has room: the peer waits to be told (agent.md §10). */
export function quotaMarker(draft: Draft, queue: ReceiveQueueRecord): void {
  const { server, senderId } = queue
  if (draft.record.ratchet?.sending === undefined) return
  enqueue(draft, { tag: "A_QCONT", address: { server, senderId } })
}

/** The peer's queue has room: what waits for it goes on at once. Throws `AgentError` A_QUEUE for another's queue. */
export async function receiveContinue(
  draft: Draft,
  { address }: Extract<AMessage, { readonly tag: "A_QCONT" }>,
): Promise<void> {
  const queue = draft.record.sendQueues.find((one) => sameQueue(one, address))
  if (queue === undefined) throw peerError({ type: "A_QUEUE", text: "A_QCONT: queue address not found" })
  const [first] = await draft.env.store.list("deliveries", { prefix: [draft.id, queue.key], limit: 1 })
  if (first !== undefined) draft.change({ table: "deliveries", put: { ...first, notBefore: 0 } })
  draft.emit({ type: "quota-cleared", connectionId: draft.id })
}
