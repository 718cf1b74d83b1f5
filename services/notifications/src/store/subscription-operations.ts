import { concatBytes, EMPTY, equalBytes } from "@sluice/encoding/bytes"
import { formatSubscriptionStatus, isSubscribable, type SubscriptionStatus } from "@sluice/ntf-protocol/status"
import { toggleId } from "@sluice/smp-protocol/ids-hash"
import type { EntityId } from "@sluice/smp-protocol/types"
import {
  type Context,
  findByNotifier,
  findRelay,
  findStored,
  findToken,
  isAssociated,
  newRelay,
  putRelay,
  putStored,
  relayIdOf,
  subscriptionRecord,
} from "./context.ts"
import type {
  CreatedSubscription,
  DroppedQueue,
  NtfStore,
  Page,
  PageOptions,
  RelayId,
  SubscriptionRecord,
  SubscriptionUpdate,
  TokenLimits,
} from "./ntf-store.ts"
import { decodeNumber, encodeNumber, type StoredRelay, type StoredSubscription } from "./records-code.ts"

const RELAY_ID_LENGTH = 16
const TOKEN_ID_LENGTH = 24
/** Subscriptions of a token that one operation goes through. */
const MOST_OF_TOKEN = 1_000_000

export function createSubscription(
  c: Context,
  created: Parameters<NtfStore["createSubscription"]>[0],
  limits: TokenLimits,
): CreatedSubscription {
  const { tables } = c
  const { subscriptionId, tokenId, server, notifierId, notifierKey } = created
  const relayId = relayIdOf(c.crypto, server)
  const existing = findByNotifier(c, relayId, notifierId)
  if (existing !== undefined) {
    const { stored } = existing
    const same = equalBytes(stored.tokenId, tokenId) && sameKey(stored, created)
    return same ? { result: "exists", subscriptionId: existing.subscriptionId } : { result: "refused" }
  }
  if (findToken(c, tokenId) === undefined || tables.subscriptions.get(subscriptionId) !== undefined) {
    return { result: "refused" }
  }
  const relays = tables.tokenRelays.keys({ prefix: tokenId, limit: limits.relays + 1 })
  const known = relays.some((key) => equalBytes(key.subarray(-RELAY_ID_LENGTH), relayId))
  if (!known && relays.length >= limits.relays) return { result: "limit" }
  let total = 0
  for (const key of relays) total += decodeNumber(tables.tokenRelays.get(key))
  if (total >= limits.subscriptions) return { result: "limit" }

  const stored: StoredSubscription = {
    tokenId,
    server,
    notifierId,
    notifierKey,
    status: { type: "NEW" },
    association: 0,
  }
  const relay = findRelay(c, relayId) ?? newRelay(server)
  putStored(c, subscriptionId, stored)
  tables.notifiers.put(concatBytes(relayId, notifierId), subscriptionId)
  tables.tokenSubscriptions.put(concatBytes(tokenId, subscriptionId), EMPTY)
  countOfToken(c, tokenId, relayId, 1)
  putRelay(c, relayId, { ...relay, total: relay.total + 1 })
  return { result: "created", subscription: subscriptionRecord(relayId, relay, subscriptionId, stored) }
}

export function subscription(c: Context, subscriptionId: EntityId): Awaited<ReturnType<NtfStore["subscription"]>> {
  const stored = findStored(c, subscriptionId)
  const token = stored && findToken(c, stored.tokenId)
  if (stored === undefined || token === undefined) return undefined
  const relayId = relayIdOf(c.crypto, stored.server)
  const relay = findRelay(c, relayId) ?? newRelay(stored.server)
  return { subscription: subscriptionRecord(relayId, relay, subscriptionId.slice(), stored), token }
}

/** Ids of all subscriptions of a token. */
export function subscriptionIdsOf({ tables }: Context, tokenId: EntityId): EntityId[] {
  const keys = tables.tokenSubscriptions.keys({ prefix: tokenId, limit: MOST_OF_TOKEN })
  return keys.map((key) => key.slice(TOKEN_ID_LENGTH))
}

/** Removes a subscription with its last notification. */
export function removeSubscription(c: Context, subscriptionId: EntityId): DroppedQueue | undefined {
  const { tables } = c
  const stored = findStored(c, subscriptionId)
  if (stored === undefined) return undefined
  const { tokenId, notifierId, server } = stored
  const relayId = relayIdOf(c.crypto, server)
  const relay = findRelay(c, relayId) ?? newRelay(server)
  const counted = withoutSubscription(c, relay, stored)
  putRelay(c, relayId, { ...counted, total: Math.max(0, counted.total - 1) })
  tables.subscriptions.remove(subscriptionId)
  tables.notifiers.remove(concatBytes(relayId, notifierId))
  tables.tokenSubscriptions.remove(concatBytes(tokenId, subscriptionId))
  tables.lastNotifications.remove(concatBytes(tokenId, subscriptionId))
  countOfToken(c, tokenId, relayId, -1)
  return { relayId, notifierId }
}

export function subscriptionsToMake(
  c: Context,
  relayId: RelayId,
  { after, limit }: PageOptions,
): Page<SubscriptionRecord> {
  const relay = findRelay(c, relayId)
  if (relay === undefined) return { items: [] }
  const items: SubscriptionRecord[] = []
  const keys = c.tables.notifiers.keys({ prefix: relayId, after, limit })
  for (const key of keys) {
    const found = findByNotifier(c, relayId, key.slice(RELAY_ID_LENGTH))
    if (found === undefined || !isSubscribable(found.stored.status)) continue
    const record = subscriptionRecord(relayId, relay, found.subscriptionId, found.stored)
    if (!record.associated) items.push(record)
  }
  return { items, next: keys.length < limit ? undefined : keys.at(-1) }
}

export function subscriptionsOf(
  c: Context,
  relayId: RelayId,
  notifierIds: readonly EntityId[],
): readonly SubscriptionRecord[] {
  const relay = findRelay(c, relayId)
  if (relay === undefined) return []
  return notifierIds.flatMap((notifierId) => {
    const found = findByNotifier(c, relayId, notifierId)
    if (found === undefined || !isSubscribable(found.stored.status)) return []
    return subscriptionRecord(relayId, relay, found.subscriptionId, found.stored)
  })
}

export function updateSubscriptions(c: Context, relayId: RelayId, updates: readonly SubscriptionUpdate[]): number {
  const before = findRelay(c, relayId)
  if (before === undefined) return 0
  let relay = before
  let applied = 0
  for (const { notifierId, status, associated } of updates) {
    const found = findByNotifier(c, relayId, notifierId)
    if (found === undefined) continue
    applied++
    const { stored, subscriptionId } = found
    const association = associated === undefined ? stored.association : associated ? relay.epoch : 0
    if (association === stored.association && sameStatus(stored.status, status)) continue
    const changed = { ...stored, status, association }
    relay = withSubscription(c, withoutSubscription(c, relay, stored), changed)
    putStored(c, subscriptionId, changed)
  }
  if (relay !== before) putRelay(c, relayId, relay)
  return applied
}

/** The relay with counters that leave this subscription out, if they counted it. */
function withoutSubscription(c: Context, relay: StoredRelay, stored: StoredSubscription): StoredRelay {
  if (!isCounted(relay, stored)) return relay
  return { ...relay, count: relay.count - 1, hash: toggled(c, relay.hash, stored.notifierId) }
}

function withSubscription(c: Context, relay: StoredRelay, stored: StoredSubscription): StoredRelay {
  if (!isCounted(relay, stored)) return relay
  return { ...relay, count: relay.count + 1, hash: toggled(c, relay.hash, stored.notifierId) }
}

function isCounted(relay: StoredRelay, { status, association }: StoredSubscription): boolean {
  return isAssociated(relay, association) && isSubscribable(status)
}

function toggled({ crypto }: Context, hash: Uint8Array, id: EntityId): Uint8Array {
  const next = hash.slice()
  toggleId(crypto, next, id)
  return next
}

function countOfToken({ tables }: Context, tokenId: EntityId, relayId: RelayId, change: 1 | -1): void {
  const key = concatBytes(tokenId, relayId)
  const count = decodeNumber(tables.tokenRelays.get(key)) + change
  if (count > 0) tables.tokenRelays.put(key, encodeNumber(count))
  else tables.tokenRelays.remove(key)
}

function sameKey(a: Pick<StoredSubscription, "notifierKey">, b: Pick<StoredSubscription, "notifierKey">): boolean {
  return a.notifierKey.algorithm === b.notifierKey.algorithm && equalBytes(a.notifierKey.raw, b.notifierKey.raw)
}

function sameStatus(a: SubscriptionStatus, b: SubscriptionStatus): boolean {
  return formatSubscriptionStatus(a) === formatSubscriptionStatus(b)
}
