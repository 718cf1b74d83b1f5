import { encodePublicKey } from "@sluice/crypto/keys"
import type { LinkData, QueueRecord } from "@sluice/queue-store/records"
import { type Answer, AUTH, OK, refused } from "../request.ts"
import type { QueueHandler } from "./handler.ts"

/** `LSET` (smp.md §2.3): stores link data, or new user data beside the same fixed data. */
export const lset: QueueHandler<"LSET"> = async (relay, _client, { queue, command }) => {
  const data = { fixedData: command.data.fixed, userData: command.data.user }
  const outcome = await relay.store.setLink(queue.recipientId, command.linkId, data)
  relay.lastUse.note(queue)
  return outcome.ok ? OK : refused(outcome)
}

/** `LDEL`: removes link ID and data. */
export const ldel: QueueHandler<"LDEL"> = async (relay, _client, { queue }) => {
  const outcome = await relay.store.deleteLink(queue.recipientId)
  relay.lastUse.note(queue)
  return outcome.ok ? OK : refused(outcome)
}

/** `LKEY`: secures the queue and reads its link data, as often as with the same key. */
export const lkey: QueueHandler<"LKEY"> = async (relay, _client, { queue, command }) => {
  const outcome = await relay.store.secure(queue.recipientId, encodePublicKey(command.senderKey), "link")
  relay.lastUse.note(queue)
  if (!outcome.ok) return refused(outcome)
  relay.statistics.qSecured++
  return link(outcome.queue, outcome.linkData)
}

/** `LGET`: reads link data of a contact address. */
export const lget: QueueHandler<"LGET"> = async (relay, _client, { queue }) => {
  const data = await relay.store.linkData(queue.recipientId)
  relay.lastUse.note(queue)
  return link(queue, data)
}

function link({ senderId }: QueueRecord, data: LinkData | undefined): Answer {
  if (data === undefined) return AUTH
  return { message: { tag: "LNK", senderId, data: { fixed: data.fixedData, user: data.userData } } }
}
