import { isId } from "../../codec/keys.ts"
import { decodeLinkData, encodeLinkData } from "../../codec/small-codes.ts"
import type { Collision, Outcome, Owner, Subscribed } from "../../queue-store.ts"
import type { BlockingInfo, LinkData, QueueRecord, QueueStatus } from "../../records.ts"
import { bytesIn, change, countIn, onQueue, type RedisContext, recordIn, refusedBy, tidy } from "../context.ts"
import type { Claim } from "../indexes.ts"
import type { QueueKeys } from "../keys.ts"
import { blockingField, dayOf, keyField, keyList, recordFields, statusField, statusOf } from "../record-fields.ts"
import { SUBSCRIBE, UNSUBSCRIBE } from "../scripts/message-scripts.ts"
import { CREATE, DELETE, SECURE, SET_RECIPIENT_KEYS, SET_STATUS, TOUCH } from "../scripts/queue-scripts.ts"
import { moveAssociation, setAllAssociated } from "./associations.ts"
import { addToList, removeFromList } from "./lists.ts"
import { messageOf } from "./message-items.ts"
import { fillingIn, ownerOf } from "./messages.ts"

/** Creating and deleting queues, the changes of the record that touch no index, and subscriptions (smp.md §2, §4.2). */

const NO_QUEUE = { ok: false, refusal: "no-queue" } as const
type Changed = Outcome<{ readonly queue: QueueRecord }>

/** Epochs of this process grow whatever is deleted and created again; a queue's own last epoch is never repeated. */
let lastEpoch = 0

/** Takes the IDs of a new queue in the order in which collisions are named. */
export function claimAll(c: RedisContext, queue: QueueRecord): Promise<readonly Claim[]> {
  const { recipientId, senderId, notifier, linkId } = queue
  return Promise.all([
    c.indexes.claim("sender", senderId, recipientId),
    ...(notifier === undefined ? [] : [c.indexes.claim("notifier", notifier.notifierId, recipientId)]),
    ...(linkId === undefined ? [] : [c.indexes.claim("link", linkId, recipientId)]),
  ])
}

/** Names the queue in the lists that walks go through. */
export async function list(c: RedisContext, { recipientId, notifier }: QueueRecord): Promise<void> {
  await Promise.all([
    addToList(c, "queues", recipientId),
    notifier === undefined ? undefined : addToList(c, "notifiers", notifier.notifierId),
  ])
}

export async function createQueue(
  c: RedisContext,
  queue: QueueRecord,
  linkData: LinkData | undefined,
  subscriber: string | undefined,
): Promise<
  { readonly created: true; readonly owner?: Owner } | { readonly created: false; readonly collision: Collision }
> {
  const { recipientId } = queue
  if (!isId(recipientId)) return { created: false, collision: "recipient" }
  // Encoding comes first: what it refuses must not leave half a queue.
  if (!isId(queue.senderId)) return { created: false, collision: "sender" }
  if (queue.notifier !== undefined && !isId(queue.notifier.notifierId)) return { created: false, collision: "notifier" }
  const fields = recordFields(queue)
  const link = queue.linkId !== undefined && linkData !== undefined ? encodeLinkData(linkData) : ""
  return onQueue(c, recipientId, async (keys) => {
    const [exists, claims] = await Promise.all([c.connection.command(["EXISTS", keys.record]), claimAll(c, queue)])
    const collision = exists === 1 ? "recipient" : claims.find(({ held }) => !held)?.kind
    if (collision !== undefined) {
      await c.indexes.undo(claims, recipientId)
      return { created: false, collision }
    }
    await list(c, queue)
    const epoch = ++lastEpoch
    const args = [subscriber ?? "", epoch, link, ...fields]
    const { word } = await change(c, CREATE, [keys.record, keys.link], args)
    if (word === "exists") return { created: false, collision: "recipient" }
    c.counts.add("queues", 1)
    if (queue.notifier !== undefined) c.counts.add("notifiers", 1)
    await setAllAssociated(c, queue, true)
    return { created: true, ...(subscriber !== undefined && { owner: { node: subscriber, epoch } }) }
  })
}

export function deleteQueue(
  c: RedisContext,
  recipientId: Uint8Array,
): Promise<Outcome<{ readonly queue: QueueRecord; readonly messages: number; readonly owner?: Owner }>> {
  return changeRecord(c, recipientId, (keys) => removeQueue(c, recipientId, keys))
}

/** Removes a queue with all that belongs to it, inside of a change of it. */
export async function removeQueue(
  c: RedisContext,
  recipientId: Uint8Array,
  keys: QueueKeys,
): Promise<Outcome<{ readonly queue: QueueRecord; readonly messages: number; readonly owner?: Owner }>> {
  const { record, messages, bodies, link, notifications } = keys
  const answer = await change(c, DELETE, [record, messages, bodies, link, notifications], [])
  if (answer.word !== "ok") return refusedBy(answer)
  const [values, stored, pending, node, epoch] = answer.values
  const queue = recordIn(recipientId, values)
  c.counts.add("queues", -1)
  c.counts.add("messages", -countIn(stored))
  c.counts.add("notifications", -countIn(pending))
  if (queue.notifier !== undefined) c.counts.add("notifiers", -1)
  await tidy([
    unlist(c, queue),
    setAllAssociated(c, queue, false),
    c.indexes.release("sender", queue.senderId, recipientId),
    queue.linkId === undefined ? undefined : c.indexes.release("link", queue.linkId, recipientId),
    queue.notifier === undefined ? undefined : c.indexes.release("notifier", queue.notifier.notifierId, recipientId),
  ])
  const owner = ownerOf(bytesIn(node), bytesIn(epoch))
  return { ok: true, queue, messages: countIn(stored), ...(owner !== undefined && { owner }) }
}

export function secure(
  c: RedisContext,
  recipientId: Uint8Array,
  senderKey: Uint8Array,
  by: "recipient" | "sender" | "link",
): Promise<Outcome<{ readonly queue: QueueRecord; readonly linkData?: LinkData }>> {
  return changeRecord(c, recipientId, async ({ record, link }) => {
    const answer = await change(c, SECURE, [record, link], [by, keyField(senderKey)])
    if (answer.word !== "ok") return refusedBy(answer)
    const data = bytesIn(answer.values[1])
    const queue = recordIn(recipientId, answer.values[0])
    return { ok: true, queue, ...(data !== undefined && { linkData: decodeLinkData(data) }) }
  })
}

export function setRecipientKeys(
  c: RedisContext,
  recipientId: Uint8Array,
  keys: readonly Uint8Array[],
): Promise<Changed> {
  return changeRecord(c, recipientId, async ({ record }) => {
    const answer = await change(c, SET_RECIPIENT_KEYS, [record], [keyList(keys)])
    return answer.word === "ok" ? { ok: true, queue: recordIn(recipientId, answer.values[0]) } : refusedBy(answer)
  })
}

type StatusChanged = { readonly queue: QueueRecord; readonly previous: QueueStatus; readonly owner?: Owner }

export function setStatus(
  c: RedisContext,
  recipientId: Uint8Array,
  status: QueueStatus,
): Promise<Outcome<StatusChanged>> {
  return changeStatus(c, recipientId, ["set", statusField(status)])
}

export function block(c: RedisContext, recipientId: Uint8Array, info: BlockingInfo): Promise<Outcome<StatusChanged>> {
  return changeStatus(c, recipientId, ["block", blockingField(info)])
}

/** Names no owner: what an unblocked queue holds is not pushed. */
export async function unblock(
  c: RedisContext,
  recipientId: Uint8Array,
): Promise<Outcome<{ readonly queue: QueueRecord; readonly previous: QueueStatus }>> {
  return changeStatus(c, recipientId, ["unblock", ""])
}

export async function touch(c: RedisContext, recipientIds: readonly Uint8Array[], day: number): Promise<void> {
  await Promise.all(
    recipientIds.filter(isId).map(async (id) => {
      await onQueue(c, id, ({ record }) => change(c, TOUCH, [record], [dayOf(day)]))
      c.indexes.forget(id)
    }),
  )
}

export interface SubscribeRequest {
  readonly recipientId: Uint8Array
  readonly serviceId?: Uint8Array
}

export function subscribe(
  c: RedisContext,
  requests: readonly SubscribeRequest[],
  node: string,
): Promise<Outcome<Subscribed>[]> {
  return Promise.all(requests.map((request) => subscribeOne(c, request, node)))
}

function subscribeOne(c: RedisContext, request: SubscribeRequest, node: string): Promise<Outcome<Subscribed>> {
  const { recipientId, serviceId } = request
  return changeQueue(c, recipientId, async ({ record, messages, bodies }) => {
    const answer = await change(c, SUBSCRIBE, [record, messages, bodies], [node, ++lastEpoch, serviceId ?? ""])
    if (answer.word !== "ok") return refusedBy(answer)
    const [values, epoch, previousNode, previousEpoch, previousService, item, body, filling] = answer.values
    const previousServiceId = bytesIn(previousService)
    // Also when nothing changed: an earlier attempt may have ended between the record and the set.
    if (serviceId !== undefined || previousServiceId !== undefined) {
      c.indexes.forget(recipientId)
      await moveAssociation(c, "messages", recipientId, previousServiceId, serviceId)
    }
    const previousOwner = ownerOf(bytesIn(previousNode), bytesIn(previousEpoch))
    const head = messageOf(item, body)
    return {
      ok: true,
      queue: recordIn(recipientId, values),
      owner: { node, epoch: countIn(epoch) },
      ...(previousOwner !== undefined && { previousOwner }),
      ...(previousServiceId !== undefined && { previousServiceId: new Uint8Array(previousServiceId) }),
      ...(head === undefined ? { filling: fillingIn(filling) } : { head }),
    }
  })
}

export async function unsubscribe(c: RedisContext, recipientId: Uint8Array, owner: Owner): Promise<void> {
  if (!isId(recipientId)) return
  await onQueue(c, recipientId, ({ record }) => change(c, UNSUBSCRIBE, [record], [owner.node, owner.epoch]))
}

/** A change of a queue that may be there. */
export function changeQueue<T>(
  c: RedisContext,
  recipientId: Uint8Array,
  run: (keys: QueueKeys) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  return isId(recipientId) ? onQueue(c, recipientId, run) : Promise.resolve(NO_QUEUE)
}

/** The same, for what changes the record: this node does not go on with the one that it remembers. */
export function changeRecord<T>(
  c: RedisContext,
  recipientId: Uint8Array,
  run: (keys: QueueKeys) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  return changeQueue(c, recipientId, async (keys) => {
    try {
      return await run(keys)
    } finally {
      c.indexes.forget(recipientId)
    }
  })
}

function changeStatus(
  c: RedisContext,
  recipientId: Uint8Array,
  args: readonly string[],
): Promise<Outcome<StatusChanged>> {
  return changeRecord(c, recipientId, async ({ record }) => {
    const answer = await change(c, SET_STATUS, [record], args)
    if (answer.word !== "ok") return refusedBy(answer)
    const [values, before, node, epoch] = answer.values
    const owner = ownerOf(bytesIn(node), bytesIn(epoch))
    const queue = recordIn(recipientId, values)
    return { ok: true, queue, previous: statusOf(bytesIn(before)), ...(owner !== undefined && { owner }) }
  })
}

async function unlist(c: RedisContext, { recipientId, notifier }: QueueRecord): Promise<void> {
  await Promise.all([
    removeFromList(c, "queues", recipientId),
    notifier === undefined ? undefined : removeFromList(c, "notifiers", notifier.notifierId),
  ])
}
