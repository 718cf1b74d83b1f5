import { idKey } from "@sluice/encoding/bytes"
import type { Version } from "@sluice/encoding/version"
import type { AcknowledgeResult, Owner } from "@sluice/queue-store/queue-store"
import type { SmpError } from "@sluice/smp-protocol/errors"
import { encryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import { maxMessageLength } from "@sluice/smp-protocol/versions"
import { type RelayContext, seconds } from "../context.ts"
import {
  type Answer,
  AUTH,
  type Basis,
  blocked,
  failed,
  NO_MSG,
  OK,
  PROHIBITED,
  type QueueRequest,
  type Verdict,
} from "../request.ts"
import { acknowledges } from "../subscription.ts"
import type { QueueHandler } from "./handler.ts"

const QUOTA: Answer = failed({ type: "QUOTA" })
const LARGE_MSG: Answer = failed({ type: "LARGE_MSG" })

/** `SEND` (smp.md §2.6). `version` is that of the forwarded envelope when the command came through a proxy. */
export async function send(relay: RelayContext, request: QueueRequest<"SEND">, version: Version): Promise<Answer> {
  const { store, statistics, policy } = relay
  const { queue, command, basis } = request
  if (command.body.length > maxMessageLength(version)) {
    statistics.msgSentLarge++
    return LARGE_MSG
  }
  const now = seconds(relay.clock)
  const notify = command.flags.notification
  const message = {
    kind: "message" as const,
    id: relay.crypto.randomBytes(ID_LENGTH),
    timestamp: now,
    notify,
    body: command.body,
  }
  const result = await store.enqueue(queue.recipientId, message, {
    quota: policy.messageQuota,
    revision: basis?.revision,
    ...(policy.expireOnSend && { expireBefore: now - policy.messageTtl }),
    ...(notify && queue.notifier !== undefined && { notification: notificationOf(relay, queue.notifier, message) }),
  })
  switch (result.result) {
    case "stored":
      statistics.msgExpired += result.expired
      statistics.sent(queue.recipientId, notify)
      // Before the answer: a recipient on the sender's own connection gets MSG ahead of OK (smp.md §10.5).
      if (result.wasEmpty) {
        relay.delivery.stored(withService(queue, result.rcvServiceId), message, result.owner, result.filling)
      }
      if (result.notified && queue.notifier !== undefined) relay.notifications.storedHere(queue.notifier)
      relay.lastUse.note(queue)
      return OK
    case "quota":
      statistics.msgExpired += result.expired
      statistics.msgSentQuota++
      return QUOTA
    case "no-queue":
    case "off":
      statistics.msgSentAuth++
      return AUTH
    case "changed": {
      const verdict = await decideAgain(basis)
      if (verdict.ok) return send(relay, verdict.request as typeof request, version)
      if (verdict.error.type === "AUTH") statistics.msgSentAuth++
      return failed(verdict.error)
    }
    case "blocked":
      statistics.msgSentBlock++
      return blocked(result.info)
    default:
      return result satisfies never
  }
}

/** By the record as it is now, after the one that the store was named was another. */
function decideAgain(basis: Basis | undefined): Promise<Verdict> {
  if (basis === undefined) throw new Error("the store compared a revision that was not given")
  return basis.again()
}

type SendQueue = QueueRequest<"SEND">["queue"]

/** The queue with the service that it belonged to when the message was stored, which may differ from the snapshot. */
function withService(queue: SendQueue, serviceId: Uint8Array | undefined): SendQueue {
  const known = queue.rcvServiceId
  if (known === serviceId || (known !== undefined && serviceId !== undefined && idKey(known) === idKey(serviceId))) {
    return queue
  }
  const { rcvServiceId: _, ...rest } = queue
  return serviceId === undefined ? rest : { ...rest, rcvServiceId: serviceId }
}

function notificationOf(
  relay: RelayContext,
  notifier: NonNullable<SendQueue["notifier"]>,
  message: { readonly id: Uint8Array; readonly timestamp: number },
): { notifierId: Uint8Array; nonce: Uint8Array; encryptedMetadata: Uint8Array } {
  const nonce = relay.crypto.randomBytes(ID_LENGTH)
  const meta = { msgId: message.id, timestamp: message.timestamp }
  const encryptedMetadata = encryptNotificationMeta(relay.crypto, relay.crypto.boxKey(notifier.dhSecret), nonce, meta)
  return { notifierId: notifier.notifierId, nonce, encryptedMetadata }
}

/** `GET` (smp.md §4.5): the first message without a subscription. */
export const get: QueueHandler<"GET"> = async (relay, client, { queue }) => {
  const { statistics } = relay
  const key = idKey(queue.recipientId)
  if (client.subscription(key) !== undefined) {
    statistics.msgGetProhibited++
    return PROHIBITED
  }
  const mark = client.getOnly(key)
  // The mark comes before the reading, so that a SUB behind this command in the same block finds it.
  client.markGetOnly(key, undefined, relay.clock.now())
  const [{ head } = {}] = await relay.store.peek([queue.recipientId])
  relay.lastUse.note(queue)
  if (client.getOnly(key) === undefined) return AUTH
  client.markGetOnly(key, head?.id, relay.clock.now())
  if (head === undefined) {
    statistics.msgGetNoMsg++
    return OK
  }
  if (mark?.delivered !== undefined && acknowledges(mark.delivered, head.id)) statistics.msgGetDuplicate++
  else statistics.msgGet++
  return { message: { tag: "DELIVER", key: relay.crypto.boxKey(queue.rcvDhSecret), message: head } }
}

/** `ACK` (smp.md §4.4). */
export const ack: QueueHandler<"ACK"> = async (relay, client, request) => {
  const { queue, command } = request
  const key = idKey(queue.recipientId)
  const subscription = client.subscription(key)
  if (subscription !== undefined) {
    if (subscription.state !== "delivered" || !acknowledges(subscription.deliveredId, command.msgId)) {
      return noMessage(request)
    }
    relay.statistics.deliveryAcknowledged(relay.clock.now() - subscription.deliveredAt)
    const { deliveredId, deliveredAt } = subscription
    relay.delivery.acknowledging(subscription)
    let result: Awaited<ReturnType<typeof remove>>
    try {
      result = await remove(relay, request, subscription.owner)
    } catch (error) {
      relay.delivery.notAcknowledged(subscription, deliveredId, deliveredAt)
      throw error
    }
    if (result.result === "refused") {
      relay.delivery.notAcknowledged(subscription, deliveredId, deliveredAt)
      return failed(result.error)
    }
    relay.lastUse.note(queue)
    if (result.result === "no-queue") return AUTH
    if (result.result === "not-owner") {
      relay.delivery.lost(subscription)
      return NO_MSG
    }
    const message = relay.delivery.settle(subscription, { head: result.next, filling: result.filling })
    return message === undefined ? OK : { message }
  }
  const mark = client.getOnly(key)
  if (mark === undefined || !acknowledges(mark.delivered, command.msgId)) return noMessage(request)
  relay.statistics.deliveryAcknowledged(relay.clock.now() - mark.deliveredAt)
  client.markGetOnly(key, undefined, relay.clock.now())
  let result: Awaited<ReturnType<typeof remove>>
  try {
    result = await remove(relay, request, undefined)
  } catch (error) {
    client.markGetOnly(key, mark.delivered, mark.deliveredAt)
    throw error
  }
  if (result.result === "refused") {
    client.markGetOnly(key, mark.delivered, mark.deliveredAt)
    return failed(result.error)
  }
  relay.lastUse.note(queue)
  if (result.result === "no-queue") return AUTH
  if (result.result === "acknowledged" && result.removed?.kind === "message") relay.statistics.msgRecvGet++
  return OK
}

/** There is no such message; that is only for those to know who may ask, by the record as it is now. */
async function noMessage({ basis }: QueueRequest<"ACK">): Promise<Answer> {
  const verdict = await basis?.again()
  return verdict === undefined || verdict.ok ? NO_MSG : failed(verdict.error)
}

type Removed = Exclude<AcknowledgeResult, { readonly result: "changed" }>

/** `refused`: the record is another one by now, which does not allow it. */
async function remove(
  relay: RelayContext,
  { queue: { recipientId }, command, basis }: QueueRequest<"ACK">,
  owner: Owner | undefined,
): Promise<Removed | { readonly result: "refused"; readonly error: SmpError }> {
  let result = await relay.store.acknowledge(recipientId, command.msgId, owner, basis?.revision)
  if (result.result === "changed") {
    const verdict = await decideAgain(basis)
    if (!verdict.ok) return { result: "refused", error: verdict.error }
    result = await relay.store.acknowledge(recipientId, command.msgId, owner)
    if (result.result === "changed") throw new Error("the store compared a revision that was not given")
  }
  if (result.result === "acknowledged" && result.removed?.kind === "message") {
    relay.statistics.received(recipientId, result.removed.notify)
  }
  return result
}
