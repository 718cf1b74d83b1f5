import { equalBytes, idKey } from "@sluice/encoding/bytes"
import type { Outcome, Subscribed } from "@sluice/queue-store/queue-store"
import type { QueueRecord } from "@sluice/queue-store/records"
import { NO_CORR_ID } from "@sluice/smp-protocol/types"
import { VERSION } from "@sluice/smp-protocol/versions"
import type { Client } from "../client.ts"
import type { RelayContext } from "../context.ts"
import { type Answer, OK, PROHIBITED, type QueueRequest, refused } from "../request.ts"
import type { Subscription } from "../subscription.ts"

/** The answer to SUB and NSUB: SOK, or OK below version 16. */
export function subscribed(client: Client, serviceId: Uint8Array | undefined): Answer {
  return client.version >= VERSION.SERVICE_CERTIFICATES ? { message: { tag: "SOK", serviceId } } : OK
}

/**
 * All `SUB`s of a block (smp.md §4.2): each connection becomes the subscriber before the store reads the queues, in one
 * request. Answers are in the order of the requests; a first message follows its answer.
 */
export async function subscribe(
  relay: RelayContext,
  client: Client,
  requests: readonly QueueRequest<"SUB">[],
): Promise<Answer[]> {
  const { service } = client.connection
  const answers: (Answer | undefined)[] = []
  const pending: { readonly index: number; readonly request: QueueRequest<"SUB">; readonly started: Started }[] = []
  for (const [index, request] of requests.entries()) {
    if (client.getOnly(idKey(request.queue.recipientId)) !== undefined) {
      relay.statistics.qSubProhibited++
      answers[index] = PROHIBITED
    } else {
      pending.push({ index, request, started: start(relay, client, request) })
    }
  }
  let outcomes: Outcome<Subscribed>[]
  try {
    outcomes = await relay.store.subscribe(
      pending.map(({ request }) => ({
        recipientId: request.queue.recipientId,
        ...(service && { serviceId: service.serviceId }),
      })),
      relay.node,
    )
  } catch (error) {
    for (const { started } of pending) relay.delivery.unregister(started.subscription)
    throw error
  }
  for (const [position, { index, request, started }] of pending.entries()) {
    const outcome = outcomes[position]
    if (outcome === undefined) throw new Error("the store answered fewer subscriptions than were asked for")
    answers[index] = finish(relay, client, request, started, outcome)
  }
  return answers.filter((answer) => answer !== undefined)
}

interface Started {
  readonly subscription: Subscription
  /** The connection was subscribed before. */
  readonly repeated: boolean
}

function start(relay: RelayContext, client: Client, { queue }: QueueRequest<"SUB">): Started {
  const { service } = client.connection
  if (service === undefined) return relay.delivery.register(client, queue)
  relay.delivery.endSubscriber(queue.recipientId, client)
  const repeated = client.subscription(idKey(queue.recipientId)) !== undefined
  const subscription = relay.delivery.registerForService(client, queue)
  relay.delivery.acknowledging(subscription)
  return { subscription, repeated }
}

function finish(
  relay: RelayContext,
  client: Client,
  { queue }: QueueRequest<"SUB">,
  { subscription, repeated }: Started,
  outcome: Outcome<Subscribed>,
): Answer {
  if (!outcome.ok) {
    relay.delivery.unregister(subscription)
    return refused(outcome)
  }
  relay.lastUse.note(outcome.queue)
  const { service } = client.connection
  if (service === undefined) relay.delivery.owned(subscription, outcome.owner)
  const { previousOwner } = outcome
  if (previousOwner !== undefined && previousOwner.node !== relay.node && queue.rcvServiceId === undefined) {
    relay.neighbours.moved(queue.recipientId, previousOwner)
  }
  associate(relay, client, queue, outcome)
  const message = relay.delivery.settle(subscription, outcome)
  if (repeated) relay.statistics.qSubDuplicate++
  else if (message !== undefined) relay.statistics.qSub++
  const answer = subscribed(client, service?.serviceId)
  if (message === undefined) return answer
  const outgoing = { corrId: NO_CORR_ID, entityId: subscription.recipientId, message }
  return { ...answer, followedBy: { subscription, outgoing } }
}

/** Follows what SUB did to the queue's association with a service (smp.md §4.7). */
function associate(relay: RelayContext, client: Client, before: QueueRecord, outcome: Subscribed): void {
  const { recipientId } = before
  const { service } = client.connection
  const { previousServiceId: previous } = outcome
  const counts = relay.statistics.rcvServices
  if (previous !== undefined) {
    const receiver = relay.services.remove("messages", previous, recipientId)
    if (receiver === undefined) relay.neighbours.leftService("messages", previous, recipientId, false)
    else if (receiver !== client) {
      relay.delivery.dropQueue(receiver, recipientId)
      relay.events.add(receiver, "messages", idKey(recipientId), recipientId, { tag: "END" })
    }
    if (service === undefined) counts.assocRemoved++
    else counts.assocUpdated++
  }
  if (service === undefined) return
  const running = relay.services.client("messages", service.serviceId) === client
  relay.services.subscribe(client, "messages", service.serviceId)
  const already = before.rcvServiceId !== undefined && equalBytes(before.rcvServiceId, service.serviceId)
  if (already) counts.assocDuplicate++
  else if (previous === undefined) counts.assocNew++
  if (!already || !running || relay.services.running(client, "messages").count === 0) {
    relay.services.add(client, "messages", recipientId)
  }
}
