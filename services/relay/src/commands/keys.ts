import { encodePublicKey } from "@sluice/crypto/keys"
import { OK, refused } from "../request.ts"
import type { QueueHandler } from "./handler.ts"

/** `KEY` (smp.md §2.2): the recipient sets the sender's key, in every mode. */
export const key: QueueHandler<"KEY"> = async (relay, _client, { queue, command }) => {
  const outcome = await relay.store.secure(queue.recipientId, encodePublicKey(command.senderKey), "recipient")
  relay.lastUse.note(queue)
  if (!outcome.ok) return refused(outcome)
  relay.statistics.qSecured++
  return OK
}

/** `SKEY`: the sender sets its own key, in messaging mode. */
export const skey: QueueHandler<"SKEY"> = async (relay, _client, { queue, command }) => {
  const outcome = await relay.store.secure(queue.recipientId, encodePublicKey(command.senderKey), "sender")
  relay.lastUse.note(queue)
  if (!outcome.ok) return refused(outcome)
  relay.statistics.qSecured++
  return OK
}

/** `RKEY`: the whole list of recipient keys of a contact queue. */
export const rkey: QueueHandler<"RKEY"> = async (relay, _client, { queue, command }) => {
  const outcome = await relay.store.setRecipientKeys(queue.recipientId, command.recipientKeys.map(encodePublicKey))
  relay.lastUse.note(queue)
  return outcome.ok ? OK : refused(outcome)
}
