import { copyOf } from "../codec/copy.ts"
import type { ImportedQueue, ImportResult, Step } from "../queue-store.ts"
import type { NewNotification, QueueRecord } from "../records.ts"
import type { Tables } from "../tables.ts"
import { type Context, findQueue, getById } from "./context.ts"
import { appendMessage, readList, writeList } from "./message-items.ts"
import { appendNotification } from "./notification-items.ts"
import { walk } from "./walk.ts"
import { findCollision, removeQueue, writeQueue } from "./writing.ts"

/** Taking over what another store held, and listing what this one holds. */

export function importQueues(c: Context, entries: readonly ImportedQueue[]): ImportResult {
  const { tables } = c
  const conflicts: Uint8Array[] = []
  for (const { queue, linkData, messages = [], canWrite } of entries) {
    if (findCollision(tables, queue) !== undefined) {
      conflicts.push(copyOf(queue.recipientId))
      continue
    }
    const before = findQueue(tables, queue.recipientId)
    if (before !== undefined) removeQueue(c, before)
    writeQueue(c, queue, linkData)
    const list = readList(tables, queue.recipientId)
    for (const message of messages) appendMessage(tables, list, message)
    list.canWrite = canWrite ?? messages.at(-1)?.kind !== "quota"
    if (list.length > 0) writeList(tables, queue.recipientId, list)
  }
  return { conflicts }
}

export function importNotifications(
  c: Context,
  entries: readonly { readonly notifierId: Uint8Array; readonly notifications: readonly NewNotification[] }[],
): ImportResult {
  const conflicts: Uint8Array[] = []
  for (const { notifierId, notifications } of entries) {
    if (getById(c.tables.notifiers, notifierId) === undefined) conflicts.push(copyOf(notifierId))
    else for (const notification of notifications) appendNotification(c.tables, notifierId, notification)
  }
  return { conflicts }
}

export function queues(
  tables: Tables,
  options: { readonly limit: number } & Step,
): Step & { readonly queues: QueueRecord[] } {
  const { keys, step } = walk(tables.queues, options)
  return { queues: keys.map((id) => findQueue(tables, id)).filter((queue) => queue !== undefined), ...step }
}
