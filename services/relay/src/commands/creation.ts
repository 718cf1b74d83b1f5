import { CryptoError } from "@sluice/crypto/errors"
import { encodePublicKey, type X25519Key } from "@sluice/crypto/keys"
import { equalBytes, utf8 } from "@sluice/encoding/bytes"
import type { LinkData, Notifier, QueueRecord } from "@sluice/queue-store/records"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import type { Client } from "../client.ts"
import type { RelayContext } from "../context.ts"
import { type Answer, AUTH, failed, PROHIBITED, type Request } from "../request.ts"

/** Tries with new random IDs before giving up (smp.md §2.1). */
const ATTEMPTS = 3

/** `NEW` (smp.md §2.1): its own key authorized it already. */
export async function create(relay: RelayContext, client: Client, request: Request<"NEW">): Promise<Answer> {
  const { command, corrId } = request
  const { service } = client.connection
  if (!relay.policy.newQueues || !passwordFits(relay, command.password)) return AUTH
  if (service !== undefined && command.subscription === "create-only") return PROHIBITED
  const link = command.queueData?.link
  if (link !== undefined && !equalBytes(link.senderId, senderIdOf(relay.crypto, corrId))) return PROHIBITED

  const serverKeys = relay.crypto.generateKeyPair("x25519")
  const rcvDhSecret = secretWith(relay, serverKeys.privateKey, command.dhKey)
  const notifierKeys = command.notifier && relay.crypto.generateKeyPair("x25519")
  const notifierSecret =
    command.notifier && notifierKeys && secretWith(relay, notifierKeys.privateKey, command.notifier.dhKey)
  if (rcvDhSecret === undefined || (command.notifier !== undefined && notifierSecret === undefined)) return AUTH

  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const queue = newRecord(relay, client, request, rcvDhSecret, notifierSecret)
    const linkData: LinkData | undefined = link && { fixedData: link.data.fixed, userData: link.data.user }
    const created = await store(relay, client, queue, linkData, command.subscription === "subscribe")
    if (created) {
      relay.statistics.qCreated++
      if (queue.notifier !== undefined) relay.statistics.ntfNewCreated++
      return {
        withoutEntity: true,
        message: {
          tag: "IDS",
          recipientId: queue.recipientId,
          senderId: queue.senderId,
          dhKey: serverKeys.publicKey,
          queueMode: queue.queueMode,
          linkId: queue.linkId,
          serviceId: queue.rcvServiceId,
          notifier: queue.notifier &&
            notifierKeys && { notifierId: queue.notifier.notifierId, dhKey: notifierKeys.publicKey },
        },
      }
    }
    // A client that chose IDs learns only that they can't be had; trying others would answer a different question.
    if (link !== undefined) return AUTH
  }
  return failed({ type: "INTERNAL" })
}

/** Whether the server's password, if it has one, was given. Compared in constant time. */
export function passwordFits(relay: Pick<RelayContext, "policy" | "crypto">, given: string | undefined): boolean {
  const { password } = relay.policy
  if (password === undefined) return true
  const { sha256, timingSafeEqual } = relay.crypto
  return timingSafeEqual(sha256(utf8(password)), sha256(utf8(given ?? ""))) && given !== undefined
}

function secretWith(
  relay: RelayContext,
  privateKey: Parameters<RelayContext["crypto"]["diffieHellman"]>[0],
  peer: X25519Key,
): Uint8Array | undefined {
  try {
    return relay.crypto.diffieHellman(privateKey, peer)
  } catch (error) {
    // A point of low order: no honest client has such a key, and it is refused like one that does not fit.
    if (error instanceof CryptoError) return undefined
    throw error
  }
}

function newRecord(
  relay: RelayContext,
  client: Client,
  { command }: Request<"NEW">,
  rcvDhSecret: Uint8Array,
  notifierSecret: Uint8Array | undefined,
): QueueRecord {
  const { queueData } = command
  const newId = (): Uint8Array => relay.crypto.randomBytes(ID_LENGTH)
  const linkId = queueData?.link && (queueData.mode === "contact" ? queueData.link.linkId : newId())
  const notifier: Notifier | undefined = command.notifier &&
    notifierSecret && { notifierId: newId(), key: encodePublicKey(command.notifier.authKey), dhSecret: notifierSecret }
  const { service } = client.connection
  const { today } = relay.lastUse
  return {
    recipientId: newId(),
    senderId: queueData?.link?.senderId ?? newId(),
    recipientKeys: [encodePublicKey(command.recipientKey)],
    rcvDhSecret,
    ...(queueData && { queueMode: queueData.mode }),
    ...(linkId && { linkId }),
    ...(notifier && { notifier }),
    ...(service && { rcvServiceId: service.serviceId }),
    status: { tag: "active" },
    createdAt: today,
    updatedAt: today,
  }
}

/** Stores the queue, with the subscription registered first; `false` when an ID is taken. */
async function store(
  relay: RelayContext,
  client: Client,
  queue: QueueRecord,
  linkData: LinkData | undefined,
  subscribe: boolean,
): Promise<boolean> {
  const { service } = client.connection
  const options = { ...(linkData && { linkData }), ...(subscribe && { subscriber: relay.node }) }
  const subscription =
    subscribe && service === undefined ? relay.delivery.register(client, queue).subscription : undefined
  let result: Awaited<ReturnType<typeof relay.store.createQueue>>
  try {
    result = await relay.store.createQueue(queue, options)
  } catch (error) {
    if (subscription !== undefined) relay.delivery.unregister(subscription)
    throw error
  }
  if (!result.created) {
    if (subscription !== undefined) relay.delivery.unregister(subscription)
    return false
  }
  if (subscription !== undefined) {
    relay.delivery.owned(subscription, result.owner)
    // A new queue was never filled; a store that counts says so with everything that follows.
    relay.delivery.settle(subscription, { filling: 0 })
  }
  if (service !== undefined) {
    relay.services.subscribe(client, "messages", service.serviceId)
    relay.services.add(client, "messages", queue.recipientId)
    relay.statistics.rcvServices.assocNew++
  }
  return true
}
