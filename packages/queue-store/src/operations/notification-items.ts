import { notificationKey } from "../codec/keys.ts"
import { encodeNotification } from "../codec/small-codes.ts"
import type { NewNotification } from "../records.ts"
import type { Tables } from "../tables.ts"

/** Keys that are read at once when a list is removed, which has no bound. */
export const CHUNK = 256

export function appendNotification(tables: Tables, notifierId: Uint8Array, notification: NewNotification): void {
  const stored = encodeNotification(notification)
  const sequence = ++tables.counters.sequence
  tables.notifications.put(notificationKey(notifierId, sequence), stored)
  tables.counters.notifications++
}

/** Removes everything that is pending for a notifier. */
export function dropNotifications(tables: Tables, notifierId: Uint8Array): void {
  for (;;) {
    const keys = tables.notifications.keys({ prefix: notifierId, limit: CHUNK })
    removeKeys(tables, keys)
    if (keys.length < CHUNK) return
  }
}

/** Removes entries by their keys. */
export function removeKeys(tables: Tables, keys: readonly Uint8Array[]): void {
  for (const key of keys) tables.notifications.remove(key)
  tables.counters.notifications -= keys.length
}
