import { copyOf } from "../codec/copy.ts"
import type { Outcome, Owner, Subscribed } from "../queue-store.ts"
import type { QueueRecord } from "../records.ts"
import { addAssociation, removeAssociation } from "./associations.ts"
import { type Context, findUnblocked } from "./context.ts"
import { peek } from "./messages.ts"
import { sameService } from "./notifiers.ts"
import { replaceQueue } from "./writing.ts"

/** Subscriptions to messages and the association with a service that comes with them (smp.md §4.2, §4.7). */

export interface SubscribeRequest {
  readonly recipientId: Uint8Array
  readonly serviceId?: Uint8Array
}

export function subscribe(c: Context, requests: readonly SubscribeRequest[], node: string): Outcome<Subscribed>[] {
  return requests.map((request) => subscribeOne(c, request, node))
}

function subscribeOne(c: Context, request: SubscribeRequest, node: string): Outcome<Subscribed> {
  const { recipientId, serviceId } = request
  const found = findUnblocked(c.tables, recipientId)
  if (!found.ok) return found
  const head = peek(c.tables, recipientId)
  const { queue, previousServiceId } = changeService(c, found.queue, serviceId)
  const { owner, previous } = c.ownership.take(recipientId, node)
  return {
    ok: true,
    queue,
    owner,
    ...(previous !== undefined && { previousOwner: previous }),
    ...(previousServiceId !== undefined && { previousServiceId }),
    ...(head !== undefined && { head }),
  }
}

/** The record with the given service or none; the one before is named when it was another. */
function changeService(
  c: Context,
  before: QueueRecord,
  serviceId: Uint8Array | undefined,
): { readonly queue: QueueRecord; readonly previousServiceId?: Uint8Array } {
  const { recipientId } = before
  const { rcvServiceId: previousServiceId, ...rest } = before
  if (sameService(previousServiceId, serviceId)) return { queue: before }
  const queue: QueueRecord = serviceId === undefined ? rest : { ...rest, rcvServiceId: copyOf(serviceId) }
  replaceQueue(c.tables, queue)
  if (serviceId !== undefined) addAssociation(c, serviceId, "messages", recipientId)
  if (previousServiceId === undefined) return { queue }
  removeAssociation(c, previousServiceId, "messages", recipientId)
  return { queue, previousServiceId }
}

export function unsubscribe(c: Context, recipientId: Uint8Array, owner: Owner): void {
  if (c.ownership.holds(recipientId, owner)) c.ownership.drop(recipientId)
}
