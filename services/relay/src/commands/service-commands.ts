import { equalBytes, idKey } from "@sluice/encoding/bytes"
import type { ServiceKind, ServiceTotals } from "@sluice/queue-store/records"
import { NO_CORR_ID, NO_ENTITY, type ServiceCounters } from "@sluice/smp-protocol/types"
import type { Client, Outgoing } from "../client.ts"
import type { RelayContext } from "../context.ts"
import { type Answer, AUTH, failed, type Request } from "../request.ts"
import type { ServiceStatistics } from "../statistics.ts"

/** Queues of a service whose first messages are read together. */
const PAGE = 64

const NOT_A_SERVICE: Answer = failed({ type: "SERVICE" })

/** `SUBS` (smp.md §4.7): the connection receives for its service; first messages follow, then ALLS. */
export async function subs(relay: RelayContext, client: Client, request: Request<"SUBS">): Promise<Answer> {
  const repeated = client.servicesAsked.messages
  const answer = await subscribeService(relay, client, "messages", request.command.expected)
  if (answer.message.tag === "SOKS" && !repeated) {
    client.serviceWalk = deliverAll(relay, client)
      .catch((error: unknown) => {
        relay.log.error("delivery to a service stopped", { error })
        push(client, NO_ENTITY, { tag: "ERR", error: { type: "INTERNAL" } })
      })
      .finally(() => {
        client.serviceWalk = undefined
      })
  }
  return answer
}

/** `NSUBS`: the same for notifications, which follow with the next round. */
export async function nsubs(relay: RelayContext, client: Client, request: Request<"NSUBS">): Promise<Answer> {
  const repeated = client.servicesAsked.notifications
  const answer = await subscribeService(relay, client, "notifications", request.command.expected)
  const { service } = client.connection
  if (answer.message.tag === "SOKS" && !repeated && service !== undefined) {
    await relay.notifications.storedForService(service.serviceId)
  }
  return answer
}

async function subscribeService(
  relay: RelayContext,
  client: Client,
  kind: ServiceKind,
  expected: ServiceCounters,
): Promise<Answer> {
  const { service } = client.connection
  if (service === undefined) return NOT_A_SERVICE
  if (client.servicesAsked[kind]) return soks(relay.services.running(client, kind))
  client.servicesAsked[kind] = true
  const totals = await relay.store.serviceTotals(service.serviceId, kind)
  if (totals === undefined) {
    client.servicesAsked[kind] = false
    return AUTH
  }
  relay.services.subscribe(client, kind, service.serviceId, totals)
  const counts = kind === "messages" ? relay.statistics.rcvServices : relay.statistics.ntfServices
  counts.subCount++
  counts.subQueues += totals.count
  compare(counts, expected, totals)
  return soks(totals)
}

function soks({ count, idsHash }: ServiceTotals): Answer {
  return { message: { tag: "SOKS", counters: { count: BigInt(count), hash: idsHash.slice() } } }
}

/** What the service expected is only counted (smp.md §2.4); −1 is an old client that doesn't know. */
function compare(counts: ServiceStatistics, expected: ServiceCounters, totals: ServiceTotals): void {
  const difference = Number(expected.count) - totals.count
  if (expected.count === -1n || (difference === 0 && equalBytes(expected.hash, totals.idsHash))) counts.subOk++
  else if (difference > 0) {
    counts.subFewer++
    counts.subFewerTotal += difference
  } else if (difference < 0) {
    counts.subMore++
    counts.subMoreTotal -= difference
  } else counts.subDiff++
}

/** Sends the first message of every queue of the service, each in a block of its own, and at last ALLS. */
async function deliverAll(relay: RelayContext, client: Client): Promise<void> {
  const { service } = client.connection
  if (service === undefined) return
  let cursor: Uint8Array | undefined
  do {
    const page = await relay.store.serviceQueues(service.serviceId, "messages", {
      limit: PAGE,
      ...(cursor && { cursor }),
    })
    await deliverPage(relay, client, page.ids)
    cursor = page.cursor
  } while (cursor !== undefined && !client.closed)
  push(client, NO_ENTITY, { tag: "ALLS" })
}

async function deliverPage(relay: RelayContext, client: Client, ids: readonly Uint8Array[]): Promise<void> {
  const queues = await relay.store.queuesByRecipient(ids)
  for (const queue of queues) {
    if (client.closed || queue?.rcvServiceId === undefined) continue
    if (relay.services.client("messages", queue.rcvServiceId) !== client) continue
    if (client.subscription(idKey(queue.recipientId)) !== undefined) {
      relay.statistics.rcvServicesSubDuplicate++
      continue
    }
    await client.connection.room()
    if (await relay.delivery.startForService(client, queue)) relay.statistics.rcvServicesSubMsg++
  }
}

function push(client: Client, entityId: Uint8Array, message: Outgoing["message"]): void {
  if (!client.closed) client.connection.push([{ corrId: NO_CORR_ID, entityId, message }])
}
