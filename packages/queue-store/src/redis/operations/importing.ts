import { copyOf } from "../../codec/copy.ts"
import { isId } from "../../codec/keys.ts"
import { encodeLinkData, encodeNotification } from "../../codec/small-codes.ts"
import type { ImportedQueue, ImportResult, Step } from "../../queue-store.ts"
import type { NewNotification, QueueRecord, StoredMessage } from "../../records.ts"
import { change, onQueue, type RedisContext } from "../context.ts"
import { bodyKey, type QueueKeys } from "../keys.ts"
import { recordFields } from "../record-fields.ts"
import { ADD_NOTIFICATIONS } from "../scripts/notifier-scripts.ts"
import { APPEND, CREATE } from "../scripts/queue-scripts.ts"
import { setAllAssociated } from "./associations.ts"
import { walkList } from "./lists.ts"
import { encodeItem } from "./message-items.ts"
import { claimAll, list, removeQueue } from "./queues.ts"

/** Taking over what another store held, and listing what this one holds. */

/** Messages and notifications that go to Redis in one go. */
const CHUNK = 64

/**
 * Each queue is written in several steps, of which an interruption leaves what a repetition replaces. All of a call are on
 * their way at once; of two that want the same ID the first gets it.
 */
export async function importQueues(c: RedisContext, entries: readonly ImportedQueue[]): Promise<ImportResult> {
  const imported = await Promise.all(
    entries.map(async (entry) => {
      const { recipientId } = entry.queue
      return isId(recipientId) && (await onQueue(c, recipientId, (keys) => importQueue(c, entry, keys)))
    }),
  )
  const left = entries.filter((_, i) => imported[i] === false)
  return { conflicts: left.map(({ queue }) => copyOf(queue.recipientId)) }
}

async function importQueue(c: RedisContext, entry: ImportedQueue, keys: QueueKeys): Promise<boolean> {
  const { queue, linkData, messages = [] } = entry
  const { recipientId, linkId } = queue
  const claims = await claimAll(c, queue)
  if (!claims.every(({ held }) => held)) {
    await c.indexes.undo(claims, recipientId)
    return false
  }
  const fields = recordFields(queue)
  const link = linkId !== undefined && linkData !== undefined ? encodeLinkData(linkData) : ""
  const before = await removeQueue(c, recipientId, keys)
  // The removal gave back the IDs that both have in common.
  if (before.ok) await claimAll(c, queue)
  await list(c, queue)
  const { node = "", epoch = "" } = (before.ok && before.owner) || {}
  await change(c, CREATE, [keys.record, keys.link], [node, epoch, link, ...fields])
  c.counts.add("queues", 1)
  if (queue.notifier !== undefined) c.counts.add("notifiers", 1)
  await setAllAssociated(c, queue, true)
  const canWrite = entry.canWrite ?? messages.at(-1)?.kind !== "quota"
  await appendAll(c, messages, canWrite, keys)
  return true
}

async function appendAll(
  c: RedisContext,
  messages: readonly StoredMessage[],
  canWrite: boolean,
  keys: QueueKeys,
): Promise<void> {
  for (let at = 0; at < messages.length; at += CHUNK) {
    const named = messages.slice(at, at + CHUNK).map((message) => ({ message, name: c.bodyNames.next() }))
    const bodies = named.flatMap(({ message, name }) =>
      message.kind === "message" ? [["SET", bodyKey(keys, name), message.body] as const] : [],
    )
    const items = named.map(({ message, name }) => encodeItem(message, name))
    await change(c, APPEND, [keys.record, keys.messages], [canWrite ? "1" : "0", ...items], bodies)
    c.counts.add("messages", bodies.length)
  }
}

export async function importNotifications(
  c: RedisContext,
  entries: readonly { readonly notifierId: Uint8Array; readonly notifications: readonly NewNotification[] }[],
): Promise<ImportResult> {
  const conflicts: Uint8Array[] = []
  for (const { notifierId, notifications } of entries) {
    const recipientId = await c.indexes.recipientOf("notifier", notifierId)
    const imports =
      recipientId !== undefined &&
      (await onQueue(c, recipientId, (keys) => addNotifications(c, notifierId, notifications, keys)))
    if (!imports) conflicts.push(copyOf(notifierId))
  }
  return { conflicts }
}

async function addNotifications(
  c: RedisContext,
  notifierId: Uint8Array,
  notifications: readonly NewNotification[],
  { record, notifications: pending }: QueueKeys,
): Promise<boolean> {
  for (let at = 0; at < notifications.length; at += CHUNK) {
    const stored = notifications.slice(at, at + CHUNK).map(encodeNotification)
    const { word } = await change(c, ADD_NOTIFICATIONS, [record, pending], [notifierId, ...stored])
    if (word !== "ok") return false
    c.counts.add("notifications", stored.length)
  }
  return true
}

export async function queues(
  c: RedisContext,
  options: { readonly limit: number } & Step,
): Promise<Step & { readonly queues: QueueRecord[] }> {
  const { ids, step } = await walkList(c, "queues", options)
  const records = await Promise.all(ids.map((id) => c.indexes.record(id)))
  return { queues: records.filter((record) => record !== undefined), ...step }
}
