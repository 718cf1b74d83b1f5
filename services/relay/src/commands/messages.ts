import { idKey } from "@sluice/encoding/bytes"
import type { Version } from "@sluice/encoding/version"
import type { Owner } from "@sluice/queue-store/queue-store"
import { encryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import { maxMessageLength } from "@sluice/smp-protocol/versions"
import { type RelayContext, seconds } from "../context.ts"
import { type Answer, AUTH, blocked, failed, NO_MSG, OK, PROHIBITED, type QueueRequest } from "../request.ts"
import { acknowledges } from "../subscription.ts"
import type { QueueHandler } from "./handler.ts"

const QUOTA: Answer = failed({ type: "QUOTA" })
const LARGE_MSG: Answer = failed({ type: "LARGE_MSG" })

/** `SEND` (smp.md §2.6). `version` is that of the forwarded envelope when the command came through a proxy. */
export async function send(relay: RelayContext, request: QueueRequest<"SEND">, version: Version): Promise<Answer> {
  const { store, statistics, policy } = relay
  const { queue, command } = request
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
    ...(policy.expireOnSend && { expireBefore: now - policy.messageTtl }),
    ...(notify && queue.notifier !== undefined && { notification: notificationOf(relay, queue.notifier, message) }),
  })
  switch (result.result) {
    case "stored":
      statistics.msgExpired += result.expired
      statistics.sent(queue.recipientId, notify)
      // Before the answer: a recipient on the sender's own connection gets MSG ahead of OK (smp.md §10.5).
      if (result.wasEmpty)
        relay.delivery.stored(withService(queue, result.rcvServiceId), message, result.owner, result.filling)
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
    case "blocked":
      statistics.msgSentBlock++
      return blocked(result.info)
    default:
      return result satisfies never
  }
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
export const ack: QueueHandler<"ACK"> = async (relay, client, { queue, command }) => {
  const key = idKey(queue.recipientId)
  const subscription = client.subscription(key)
  if (subscription !== undefined) {
    if (subscription.state !== "delivered" || !acknowledges(subscription.deliveredId, command.msgId)) return NO_MSG
    relay.statistics.deliveryAcknowledged(relay.clock.now() - subscription.deliveredAt)
    const { deliveredId, deliveredAt } = subscription
    relay.delivery.acknowledging(subscription)
    let result: Awaited<ReturnType<typeof remove>>
    try {
      result = await remove(relay, queue.recipientId, command.msgId, subscription.owner)
    } catch (error) {
      relay.delivery.notAcknowledged(subscription, deliveredId, deliveredAt)
      throw error
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
  if (mark === undefined || !acknowledges(mark.delivered, command.msgId)) return NO_MSG
  relay.statistics.deliveryAcknowledged(relay.clock.now() - mark.deliveredAt)
  client.markGetOnly(key, undefined, relay.clock.now())
  let result: Awaited<ReturnType<typeof remove>>
  try {
    result = await remove(relay, queue.recipientId, command.msgId, undefined)
  } catch (error) {
    client.markGetOnly(key, mark.delivered, mark.deliveredAt)
    throw error
  }
  relay.lastUse.note(queue)
  if (result.result === "no-queue") return AUTH
  if (result.result === "acknowledged" && result.removed?.kind === "message") relay.statistics.msgRecvGet++
  return OK
}

async function remove(
  relay: RelayContext,
  recipientId: Uint8Array,
  messageId: Uint8Array,
  owner: Owner | undefined,
): ReturnType<RelayContext["store"]["acknowledge"]> {
  const result = await relay.store.acknowledge(recipientId, messageId, owner)
  if (result.result === "acknowledged" && result.removed?.kind === "message") {
    relay.statistics.received(recipientId, result.removed.notify)
  }
  return result
}
