import { CryptoError } from "@sluice/crypto/errors"
import { encodePublicKey } from "@sluice/crypto/keys"
import { equalBytes, idKey } from "@sluice/encoding/bytes"
import type { Notifier } from "@sluice/queue-store/records"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import type { Client } from "../client.ts"
import type { RelayContext } from "../context.ts"
import { notifierRemoved } from "../queue-removal.ts"
import { type Answer, AUTH, failed, OK, type QueueRequest, refused } from "../request.ts"
import type { QueueHandler } from "./handler.ts"
import { subscribed } from "./subscriptions.ts"

const ATTEMPTS = 3

/** `NKEY` (smp.md §2.5): new notifier credentials, with a new ID every time. */
export const nkey: QueueHandler<"NKEY"> = async (relay, client, { queue, command }) => {
  const serverKeys = relay.crypto.generateKeyPair("x25519")
  let dhSecret: Uint8Array
  try {
    dhSecret = relay.crypto.diffieHellman(serverKeys.privateKey, command.dhKey)
  } catch (error) {
    if (error instanceof CryptoError) return AUTH
    throw error
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const notifierId = relay.crypto.randomBytes(ID_LENGTH)
    const notifier: Notifier = { notifierId, key: encodePublicKey(command.notifierKey), dhSecret }
    const outcome = await relay.store.setNotifier(queue.recipientId, notifier)
    if (!outcome.ok) {
      if (outcome.refusal === "id-taken") continue
      return refused(outcome)
    }
    relay.lastUse.note(queue)
    relay.statistics.ntfCreated++
    if (outcome.previous !== undefined) notifierRemoved(relay, outcome.previous, client)
    return { message: { tag: "NID", notifierId, dhKey: serverKeys.publicKey } }
  }
  return failed({ type: "INTERNAL" })
}

/** `NDEL`: removes the notifier and what waits for it; fine when there is none. */
export const ndel: QueueHandler<"NDEL"> = async (relay, client, { queue }) => {
  const outcome = await relay.store.deleteNotifier(queue.recipientId)
  relay.lastUse.note(queue)
  if (!outcome.ok) return refused(outcome)
  if (outcome.previous !== undefined) {
    relay.statistics.ntfDeleted++
    notifierRemoved(relay, outcome.previous, client)
  }
  return OK
}

/** `NSUB` (smp.md §4.6, §4.7): this connection, or its service, gets the notifications of the queue. */
export async function nsub(relay: RelayContext, client: Client, { queue }: QueueRequest<"NSUB">): Promise<Answer> {
  const { notifier } = queue
  if (notifier === undefined) return AUTH
  const { service } = client.connection
  const { notifierId } = notifier
  const repeated = service === undefined && relay.notifications.subscribe(client, notifierId).repeated
  const same =
    service === undefined
      ? notifier.serviceId === undefined
      : notifier.serviceId !== undefined && equalBytes(notifier.serviceId, service.serviceId)
  if (!same) {
    const outcome = await relay.store.associateNotifier(notifierId, service?.serviceId)
    if (!outcome.ok) {
      if (service === undefined) relay.notifications.remove(notifierId)
      return refused(outcome)
    }
    if (outcome.changed) reassociated(relay, client, notifierId, outcome.previousServiceId)
  }
  if (service === undefined) {
    if (repeated) relay.statistics.ntfSubDuplicate++
    else relay.statistics.ntfSub++
  } else {
    takeForService(relay, client, notifierId, same)
  }
  relay.notifications.stored({ notifierId, ...(service && { serviceId: service.serviceId }) })
  return subscribed(client, service?.serviceId)
}

/** The notifier left a service, or an individual subscriber: they hear END. */
function reassociated(
  relay: RelayContext,
  client: Client,
  notifierId: Uint8Array,
  previous: Uint8Array | undefined,
): void {
  const counts = relay.statistics.ntfServices
  const { service } = client.connection
  if (previous !== undefined) {
    const receiver = relay.services.remove("notifications", previous, notifierId)
    if (receiver === undefined) relay.neighbours.leftService("notifications", previous, notifierId, false)
    else if (receiver !== client) {
      relay.events.add(receiver, "notifications", idKey(notifierId), notifierId, { tag: "END" })
    }
    if (service === undefined) counts.assocRemoved++
    else counts.assocUpdated++
  } else if (service !== undefined) {
    counts.assocNew++
  }
  if (service === undefined) return
  const individual = relay.notifications.remove(notifierId)
  if (individual === undefined) relay.neighbours.notifierTaken(notifierId)
  else if (individual !== client) {
    relay.events.add(individual, "notifications", idKey(notifierId), notifierId, { tag: "END" })
  }
}

function takeForService(relay: RelayContext, client: Client, notifierId: Uint8Array, already: boolean): void {
  const { service } = client.connection
  if (service === undefined) return
  relay.services.subscribe(client, "notifications", service.serviceId)
  if (already) relay.statistics.ntfServices.assocDuplicate++
  // An association that existed counts only if this connection had none yet (smp.md §4.7).
  if (!already || relay.services.running(client, "notifications").count === 0) {
    relay.services.add(client, "notifications", notifierId)
  }
}
