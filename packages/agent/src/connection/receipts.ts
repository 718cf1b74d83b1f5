import { equalBytes } from "@sluice/encoding/bytes"
import type { ReceiptStatus } from "../events.ts"
import type { Receipt } from "../protocol/a-message.ts"
import type { Draft } from "./draft.ts"
import { takesNoise } from "./noise.ts"

/** What the user is told about one message. */
export interface ReceiptResult {
  readonly messageId: number
  /** Its number in the own chain. */
  readonly sentId: number
  readonly status: ReceiptStatus
}

/**
 * Finds the messages that the peer has acknowledged, and compares their hashes. A second receipt for one that was right
 * says nothing new; one for something that is no message of the user is a mistake of the peer.
 */
export async function receiveReceipts(draft: Draft, receipts: readonly Receipt[]): Promise<ReceiptResult[]> {
  const results: ReceiptResult[] = []
  for (const receipt of receipts) {
    if (takesNoise(receipt.info)) draft.set({ noise: true })
    const result = await receiveReceipt(draft, receipt)
    if (result !== undefined) results.push(result)
  }
  return results
}

async function receiveReceipt(draft: Draft, { id, hash }: Receipt): Promise<ReceiptResult | undefined> {
  const sent = id <= draft.record.lastSentId ? await draft.env.store.get("sent", [draft.id, Number(id)]) : undefined
  if (sent?.kind !== "A_MSG") {
    // Of a message that is not kept any more there is nothing to say.
    if (sent !== undefined) draft.complain({ type: "A_PROHIBITED", text: "receipt: not a message" })
    return undefined
  }
  if (sent.receipt === "ok") return undefined
  const status = equalBytes(sent.hash, hash) ? "ok" : "bad-hash"
  draft.change({ table: "sent", put: { ...sent, receipt: status } })
  return { messageId: sent.internalId, sentId: sent.sentId, status }
}
