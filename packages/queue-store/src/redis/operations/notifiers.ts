import { equalBytes } from "@sluice/encoding/bytes"
import { listOf } from "@sluice/redis/redis-command"
import { isId } from "../../codec/keys.ts"
import { decodeNotification } from "../../codec/small-codes.ts"
import type { Outcome, Step } from "../../queue-store.ts"
import type { Notifier, PendingNotification, QueueRecord } from "../../records.ts"
import {
  type Answer,
  bytesIn,
  change,
  countIn,
  onQueue,
  type RedisContext,
  read,
  recordIn,
  refusedBy,
  tidy,
} from "../context.ts"
import { notifierFields, notifierOf, numberIn } from "../record-fields.ts"
import {
  ASSOCIATE_NOTIFIER,
  DELETE_NOTIFIER,
  EXPIRE_NOTIFICATIONS,
  LIST_NOTIFICATIONS,
  REMOVE_NOTIFICATIONS,
  SET_NOTIFIER,
} from "../scripts/notifier-scripts.ts"
import { moveAssociation, setAssociated, walkAssociated } from "./associations.ts"
import { addToList, removeFromList, walkList } from "./lists.ts"
import { changeRecord } from "./queues.ts"

/** Notifiers of queues, the services that they are tied to, and the notifications that wait (smp.md §2.5, §4.6, §4.7). */

/** Digits of the number in front of a stored notification. */
const NUMBER_LENGTH = 15

export function setNotifier(
  c: RedisContext,
  recipientId: Uint8Array,
  notifier: Notifier,
): Promise<Outcome<{ readonly queue: QueueRecord; readonly previous?: Notifier }>> {
  const { notifierId, serviceId } = notifier
  return changeRecord(c, recipientId, async ({ record, notifications }) => {
    const claim = await c.indexes.claim("notifier", notifierId, recipientId)
    // An ID that this very queue has is taken as well.
    const own = claim.held && !claim.isNew && (await hasNotifier(c, recipientId, notifierId))
    const free = claim.held && !own
    if (free) await addToList(c, "notifiers", notifierId)
    const fields = free ? notifierFields(notifier) : []
    const answer = await change(c, SET_NOTIFIER, [record, notifications], [free ? "1" : "0", ...fields])
    if (answer.word !== "ok") {
      await c.indexes.undo([claim], recipientId)
      if (claim.isNew) await removeFromList(c, "notifiers", notifierId)
      return refusedBy(answer)
    }
    c.counts.add("notifiers", 1)
    const previous = await removeBefore(c, recipientId, answer)
    if (serviceId !== undefined) await setAssociated(c, serviceId, "notifications", notifierId, true)
    const queue = recordIn(recipientId, answer.values[0])
    return { ok: true, queue, ...(previous !== undefined && { previous }) }
  })
}

export function deleteNotifier(
  c: RedisContext,
  recipientId: Uint8Array,
): Promise<Outcome<{ readonly queue: QueueRecord; readonly previous?: Notifier }>> {
  return changeRecord(c, recipientId, async ({ record, notifications }) => {
    const answer = await change(c, DELETE_NOTIFIER, [record, notifications], [])
    if (answer.word !== "ok") return refusedBy(answer)
    const previous = await removeBefore(c, recipientId, answer)
    const queue = recordIn(recipientId, answer.values[0])
    return { ok: true, queue, ...(previous !== undefined && { previous }) }
  })
}

export async function associateNotifier(
  c: RedisContext,
  notifierId: Uint8Array,
  serviceId: Uint8Array | undefined,
): Promise<
  Outcome<{ readonly queue: QueueRecord; readonly previousServiceId?: Uint8Array; readonly changed: boolean }>
> {
  const recipientId = await c.indexes.recipientOf("notifier", notifierId)
  if (recipientId === undefined) return { ok: false, refusal: "no-queue" }
  return onQueue(c, recipientId, async ({ record }) => {
    const answer = await change(c, ASSOCIATE_NOTIFIER, [record], [notifierId, serviceId ?? ""])
    if (answer.word !== "ok") return refusedBy(answer)
    c.indexes.forget(recipientId)
    const before = bytesIn(answer.values[1])
    const changed =
      before === undefined || serviceId === undefined ? before !== serviceId : !equalBytes(before, serviceId)
    await moveAssociation(c, "notifications", notifierId, changed ? before : undefined, serviceId)
    const queue = recordIn(recipientId, answer.values[0])
    return { ok: true, queue, ...(before !== undefined && { previousServiceId: new Uint8Array(before) }), changed }
  })
}

export async function notifications(
  c: RedisContext,
  notifierId: Uint8Array,
  limit: number,
): Promise<PendingNotification[]> {
  const recipientId = await c.indexes.recipientOf("notifier", notifierId)
  if (recipientId === undefined || limit < 1) return []
  const { record, notifications: pending } = c.keys.queue(recipientId)
  const { values } = await read(c, LIST_NOTIFICATIONS, [record, pending], [notifierId, limit])
  return listOf(values[0]).flatMap((item) => {
    if (!(item instanceof Uint8Array)) return []
    const sequence = numberIn(item.subarray(0, NUMBER_LENGTH))
    return [{ sequence, ...decodeNotification(item.subarray(NUMBER_LENGTH)) }]
  })
}

export async function removeNotifications(
  c: RedisContext,
  notifierId: Uint8Array,
  throughSequence: number,
): Promise<number> {
  const recipientId = await c.indexes.recipientOf("notifier", notifierId)
  if (recipientId === undefined) return 0
  return onQueue(c, recipientId, async ({ record, notifications: pending }) => {
    const { values } = await change(c, REMOVE_NOTIFICATIONS, [record, pending], [notifierId, throughSequence])
    const removed = countIn(values[0])
    c.counts.add("notifications", -removed)
    return removed
  })
}

/** Looks at all notifiers, or at those of the service, whether something is pending: there is no list of those that have some. */
export async function pendingNotifiers(
  c: RedisContext,
  options: { readonly serviceId?: Uint8Array; readonly limit: number } & Step,
): Promise<Step & { readonly notifierIds: Uint8Array[] }> {
  const { serviceId } = options
  if (serviceId !== undefined && !isId(serviceId)) return { notifierIds: [] }
  const { ids, step } =
    serviceId === undefined
      ? await walkList(c, "notifiers", options)
      : await walkAssociated(c, serviceId, "notifications", options)
  const pending = await Promise.all(ids.map((notifierId) => hasPending(c, notifierId)))
  return { notifierIds: ids.filter((_, i) => pending[i]), ...step }
}

export async function expireNotifications(
  c: RedisContext,
  options: { readonly before: number; readonly limit: number } & Step,
): Promise<Step & { readonly expired: number }> {
  const { ids, step } = await walkList(c, "notifiers", options)
  const expired = await Promise.all(ids.map((notifierId) => expireOf(c, notifierId, options.before)))
  return { expired: expired.reduce((sum, n) => sum + n, 0), ...step }
}

/** After the record lost a notifier: its index, its place in lists and sets, the numbers. */
async function removeBefore(
  c: RedisContext,
  recipientId: Uint8Array,
  { values: [, n, y, z, dropped] }: Answer,
): Promise<Notifier | undefined> {
  if (!(n instanceof Uint8Array)) return undefined
  const previous = notifierOf(n, bytesIn(y), bytesIn(z))
  c.counts.add("notifiers", -1)
  c.counts.add("notifications", -countIn(dropped))
  await tidy([
    c.indexes.release("notifier", previous.notifierId, recipientId),
    removeFromList(c, "notifiers", previous.notifierId),
    moveAssociation(c, "notifications", previous.notifierId, previous.serviceId, undefined),
  ])
  return previous
}

async function hasNotifier(c: RedisContext, recipientId: Uint8Array, notifierId: Uint8Array): Promise<boolean> {
  const notifier = (await c.indexes.record(recipientId))?.notifier
  return notifier !== undefined && equalBytes(notifier.notifierId, notifierId)
}

async function hasPending(c: RedisContext, notifierId: Uint8Array): Promise<boolean> {
  const recipientId = await c.indexes.recipientOf("notifier", notifierId)
  if (recipientId === undefined) return false
  return (await c.connection.command(["EXISTS", c.keys.queue(recipientId).notifications])) === 1
}

async function expireOf(c: RedisContext, notifierId: Uint8Array, before: number): Promise<number> {
  const recipientId = await c.indexes.recipientOf("notifier", notifierId)
  if (recipientId === undefined || !(await hasPending(c, notifierId))) return 0
  return onQueue(c, recipientId, async ({ notifications: pending }) => {
    const { values } = await change(c, EXPIRE_NOTIFICATIONS, [pending], [before])
    const expired = countIn(values[0])
    c.counts.add("notifications", -expired)
    return expired
  })
}
