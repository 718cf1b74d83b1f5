import { concatBytes, idKey } from "@sluice/encoding/bytes"
import { type MessageEntry, MOST_ENTRIES } from "@sluice/ntf-protocol/message-list"
import type { EntityId } from "@sluice/smp-protocol/types"
import {
  type Context,
  findByNotifier,
  findStored,
  findToken,
  nextSequence,
  pushKey,
  putPush,
  readPushKey,
} from "./context.ts"
import type {
  NtfStore,
  Page,
  PageOptions,
  PendingPush,
  PushReference,
  ReceivedNotification,
  RecordedNotifications,
  RelayId,
} from "./ntf-store.ts"
import { decodeNotification, decodeNumber, encodeNotification, type StoredNotification } from "./records-code.ts"

const TOKEN_ID_LENGTH = 24
/** A token has 6 last notifications, and for a moment one more. */
const SOME = MOST_ENTRIES + 2

export function recordNotifications(
  c: Context,
  relayId: RelayId,
  notifications: readonly ReceivedNotification[],
  time: number,
): RecordedNotifications {
  const tokens = new Map<string, EntityId>()
  let unwanted = 0
  for (const { notifierId, nonce, meta } of notifications) {
    const found = findByNotifier(c, relayId, notifierId)
    const token = found && findToken(c, found.stored.tokenId)
    if (found === undefined || token?.status.type !== "ACTIVE") {
      unwanted++
      continue
    }
    const { tokenId } = token
    const stored = { sequence: nextSequence(c), time, nonce, meta }
    c.tables.lastNotifications.put(concatBytes(tokenId, found.subscriptionId), encodeNotification(stored))
    forgetOldest(c, tokenId)
    tokens.set(idKey(tokenId), tokenId)
  }
  for (const tokenId of tokens.values()) putPush(c, { tokenId, kind: "message" })
  return { tokens: [...tokens.values()], unwanted }
}

export function pendingPush(c: Context, push: PushReference): PendingPush | undefined {
  const stored = c.tables.pushes.get(pushKey(push))
  if (stored === undefined) return undefined
  const sequence = decodeNumber(stored)
  const token = findToken(c, push.tokenId)
  if (token === undefined) return undefined
  const entries = push.kind === "message" ? lastOf(c, push.tokenId).flatMap((last) => entryOf(c, last) ?? []) : []
  return { ...push, sequence, token, entries }
}

export function pendingPushes({ tables }: Context, { after, limit }: PageOptions): Page<PushReference> {
  const keys = tables.pushes.keys({ after, limit })
  return { items: keys.map(readPushKey), next: keys.length < limit ? undefined : keys.at(-1) }
}

export function finishPush({ tables }: Context, push: PushReference, sequence: number): boolean {
  const key = pushKey(push)
  const stored = tables.pushes.get(key)
  if (stored === undefined) return false
  if (decodeNumber(stored) !== sequence) return true
  tables.pushes.remove(key)
  return false
}

export function counts({ tables }: Context): Awaited<ReturnType<NtfStore["counts"]>> {
  return {
    tokens: tables.tokens.size,
    subscriptions: tables.subscriptions.size,
    notifications: tables.lastNotifications.size,
    pushes: tables.pushes.size,
    relays: tables.relays.size,
  }
}

interface LastNotification extends StoredNotification {
  readonly key: Uint8Array
}

/** The last notifications of a token, oldest first. */
function lastOf({ tables }: Context, tokenId: EntityId): LastNotification[] {
  return tables.lastNotifications
    .keys({ prefix: tokenId, limit: SOME })
    .flatMap((key): LastNotification[] => {
      const stored = tables.lastNotifications.get(key)
      return stored === undefined ? [] : [{ key, ...decodeNotification(stored) }]
    })
    .sort((a, b) => a.sequence - b.sequence)
}

function forgetOldest(c: Context, tokenId: EntityId): void {
  const all = lastOf(c, tokenId)
  for (const { key } of all.slice(0, Math.max(0, all.length - MOST_ENTRIES))) c.tables.lastNotifications.remove(key)
}

function entryOf(c: Context, { key, time, nonce, meta }: LastNotification): MessageEntry | undefined {
  const found = findStored(c, key.slice(TOKEN_ID_LENGTH))
  if (found === undefined) return undefined
  const { server, notifierId } = found
  return { queue: { server, notifierId }, time, nonce, meta }
}
