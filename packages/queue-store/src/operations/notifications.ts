import { isId, LAST_SEQUENCE, notificationKey, notificationKeyParts } from "../codec/keys.ts"
import { decodeNotification } from "../codec/small-codes.ts"
import type { Step } from "../queue-store.ts"
import type { PendingNotification } from "../records.ts"
import type { Tables } from "../tables.ts"
import { type Context, copyById, findQueue } from "./context.ts"
import { CHUNK, removeKeys } from "./notification-items.ts"
import { sameService } from "./notifiers.ts"
import { walk } from "./walk.ts"

/** Notifications that wait for the notifier's subscriber (smp.md §4.6). */

export function notifications(tables: Tables, notifierId: Uint8Array, limit: number): PendingNotification[] {
  if (!isId(notifierId)) return []
  const pending: PendingNotification[] = []
  for (const key of tables.notifications.keys({ prefix: notifierId, limit })) {
    const stored = tables.notifications.get(key)
    if (stored === undefined) continue
    pending.push({ sequence: notificationKeyParts(key).sequence, ...decodeNotification(stored) })
  }
  return pending
}

export function removeNotifications(c: Context, notifierId: Uint8Array, throughSequence: number): number {
  if (!isId(notifierId)) return 0
  let removed = 0
  for (;;) {
    const keys = c.tables.notifications.keys({ prefix: notifierId, limit: CHUNK })
    const due = keys.filter((key) => notificationKeyParts(key).sequence <= throughSequence)
    removeKeys(c.tables, due)
    removed += due.length
    if (due.length < CHUNK) return removed
  }
}

export function pendingNotifiers(
  tables: Tables,
  options: { readonly serviceId?: Uint8Array; readonly limit: number } & Step,
): Step & { readonly notifierIds: Uint8Array[] } {
  const { serviceId } = options
  const limit = Math.max(1, options.limit)
  const notifierIds: Uint8Array[] = []
  let { cursor } = options
  for (let visited = 0; visited < limit; visited++) {
    const after = cursor === undefined ? undefined : { after: notificationKey(cursor, LAST_SEQUENCE) }
    const [key] = tables.notifications.keys({ ...after, limit: 1 })
    if (key === undefined) return { notifierIds }
    const { notifierId } = notificationKeyParts(key)
    if (serviceId === undefined || isAssociated(tables, notifierId, serviceId)) notifierIds.push(notifierId)
    cursor = notifierId
  }
  return { notifierIds, ...(cursor !== undefined && { cursor }) }
}

export function expireNotifications(
  c: Context,
  options: { readonly before: number; readonly limit: number } & Step,
): Step & { readonly expired: number } {
  const { tables } = c
  const { keys, step } = walk(tables.notifications, options)
  const due = keys.filter((key) => {
    const stored = tables.notifications.get(key)
    return stored !== undefined && decodeNotification(stored).timestamp < options.before
  })
  removeKeys(tables, due)
  return { expired: due.length, ...step }
}

function isAssociated(tables: Tables, notifierId: Uint8Array, serviceId: Uint8Array): boolean {
  const recipientId = copyById(tables.notifiers, notifierId)
  const queue = recipientId === undefined ? undefined : findQueue(tables, recipientId)
  return sameService(queue?.notifier?.serviceId, serviceId)
}
