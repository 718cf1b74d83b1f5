import { concatBytes, equalBytes, idKey } from "@sluice/encoding/bytes"
import { type Server, writeServer } from "@sluice/encoding/server-address"
import { encodeWith } from "@sluice/encoding/writer"
import { formatSubscriptionStatus, isSubscribable } from "@sluice/ntf-protocol/status"
import { listOf } from "@sluice/redis/redis-command"
import type { EntityId } from "@sluice/smp-protocol/types"
import { relayIdOf } from "../context.ts"
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
} from "../ntf-store.ts"
import { decodeToken } from "../records-code.ts"
import {
  addToCounts,
  bytesIn,
  change,
  copyIn,
  fenceOf,
  numberIn,
  type RedisContext,
  tidy,
  unexpected,
} from "./context.ts"
import { decodeQueue, encodeQueue, type StoredQueue } from "./queue-code.ts"
import { findQueue, ownerKey, removeQueue } from "./queues.ts"
import { serverIn } from "./relays.ts"
import { ADD_QUEUE, PAGE_OF_QUEUES, UPDATE_QUEUES } from "./scripts/relay-scripts.ts"
import { ADD_SUBSCRIPTION, REMOVE_SUBSCRIPTION } from "./scripts/token-scripts.ts"

const RELAY_ID_LENGTH = 16
/** Queues that one script changes or reads. */
const TOGETHER = 250

/**
 * The queue is entered at its relay first, where nobody else can have it then, and after that in the registration, which
 * makes it a subscription. What is left when that is interrupted, a repetition completes and the sweep removes.
 */
export async function createSubscription(
  c: RedisContext,
  created: Parameters<NtfStore["createSubscription"]>[0],
  limits: TokenLimits,
): Promise<CreatedSubscription> {
  const { subscriptionId, tokenId, server, notifierId, notifierKey } = created
  const relayId = relayIdOf(c.crypto, server)
  const queue: StoredQueue = { tokenId, subscriptionId, notifierKey, status: { type: "NEW" }, association: 0 }
  const known = await existing(c, relayId, notifierId, queue)
  if (known !== undefined) return known
  if (!(await claimId(c, subscriptionId, tokenId))) return { result: "refused" }
  await c.connection.run({ steps: [["ZADD", c.keys.relays(), 0, relayId]], write: true })
  const { relay, subscriptions, order, fresh } = c.keys.relay(relayId)
  const args = [notifierId, encodeQueue(queue), encodeWith((w) => writeServer(w, server))]
  for (;;) {
    const added = await change(c, ADD_QUEUE, [relay, subscriptions, order, fresh], args)
    if (added.word === "taken") {
      const other = await existing(c, relayId, notifierId, queue)
      if (other === undefined) continue
      await tidy([c.connection.command(["DEL", c.keys.subscription(subscriptionId)])])
      return other
    }
    if (added.word !== "ok") throw unexpected(added)
    const result = await addToToken(c, created, relayId, limits)
    if (result !== "ok") {
      await removeQueue(c, relayId, notifierId, subscriptionId)
      return { result }
    }
    await tidy([addToCounts(c, "subscriptions", 1)])
    c.tokensOf.set(idKey(subscriptionId), tokenId)
    c.owners.set(ownerKey(relayId, notifierId), { tokenId, subscriptionId })
    return { result: "created", subscription: recordOf(relayId, server, notifierId, queue, numberIn(added.values[0])) }
  }
}

/** What there is for a queue already. What no registration knows is removed: it was left by something interrupted. */
async function existing(
  c: RedisContext,
  relayId: RelayId,
  notifierId: EntityId,
  wanted: StoredQueue,
): Promise<CreatedSubscription | undefined> {
  const found = await findQueue(c, relayId, notifierId)
  if (found === undefined) return undefined
  const { queue } = found
  if (!(await isOwned(c, relayId, notifierId, queue))) {
    await removeQueue(c, relayId, notifierId, queue.subscriptionId)
    return undefined
  }
  const same = equalBytes(queue.tokenId, wanted.tokenId) && sameKey(queue, wanted)
  return same ? { result: "exists", subscriptionId: queue.subscriptionId } : { result: "refused" }
}

async function addToToken(
  c: RedisContext,
  { tokenId, subscriptionId, notifierId }: Parameters<NtfStore["createSubscription"]>[0],
  relayId: RelayId,
  limits: TokenLimits,
): Promise<"ok" | "limit" | "refused"> {
  const { token, subscriptions, relays } = c.keys.token(tokenId)
  const args = [subscriptionId, relayId, notifierId, limits.subscriptions, limits.relays]
  const { word } = await change(c, ADD_SUBSCRIPTION, [token, subscriptions, relays], args)
  return word === "ok" || word === "limit" ? word : "refused"
}

export async function subscription(c: RedisContext, subscriptionId: EntityId): ReturnType<NtfStore["subscription"]> {
  const tokenId = await tokenOf(c, subscriptionId)
  if (tokenId === undefined) return undefined
  const keys = c.keys.token(tokenId)
  const [record, place] = await c.connection.run({
    steps: [
      ["HGET", keys.token, "r"],
      ["HGET", keys.subscriptions, subscriptionId],
    ],
    write: false,
  })
  const [stored, queue] = [copyIn(record), copyIn(place)]
  if (stored === undefined || queue === undefined) return undefined
  const relayId = queue.slice(0, RELAY_ID_LENGTH)
  const notifierId = queue.slice(RELAY_ID_LENGTH)
  const relay = c.keys.relay(relayId)
  const [facts, entry] = await c.connection.run({
    steps: [
      ["HMGET", relay.relay, "a", "e"],
      ["HGET", relay.subscriptions, notifierId],
    ],
    write: false,
  })
  const [address, epoch] = listOf(facts)
  const known = copyIn(entry)
  if (known === undefined) return undefined
  const found = decodeQueue(known)
  if (!equalBytes(found.subscriptionId, subscriptionId)) return undefined
  const server = serverIn(bytesIn(address))
  return {
    subscription: recordOf(relayId, server, notifierId, found, numberIn(epoch)),
    token: decodeToken(tokenId.slice(), stored),
  }
}

export async function deleteSubscription(c: RedisContext, subscriptionId: EntityId): Promise<DroppedQueue | undefined> {
  const tokenId = await tokenOf(c, subscriptionId)
  if (tokenId === undefined) return undefined
  const { subscriptions, last, relays } = c.keys.token(tokenId)
  const answer = await change(c, REMOVE_SUBSCRIPTION, [subscriptions, last, relays], [subscriptionId])
  if (answer.word !== "ok") return undefined
  const queue = bytesIn(answer.values[0])
  const relayId = queue.slice(0, RELAY_ID_LENGTH)
  const notifierId = queue.slice(RELAY_ID_LENGTH)
  await tidy([
    removeQueue(c, relayId, notifierId, subscriptionId),
    addToCounts(c, "subscriptions", -1),
    addToCounts(c, "notifications", -numberIn(answer.values[1])),
  ])
  return { relayId, notifierId }
}

export async function subscriptionsToMake(
  c: RedisContext,
  relayId: RelayId,
  { after, limit }: PageOptions,
): Promise<Page<SubscriptionRecord>> {
  const { relay, order, subscriptions } = c.keys.relay(relayId)
  const from = after === undefined ? "-" : concatBytes(OPEN, after)
  const [reply] = await c.connection.run({
    steps: [{ script: PAGE_OF_QUEUES, keys: [relay, order, subscriptions], args: [from, limit] }],
    write: false,
  })
  const [, address, epoch, ids, entries] = listOf(reply)
  if (address === undefined) return { items: [] }
  const server = serverIn(bytesIn(address))
  const notifierIds = listOf(ids).map(bytesIn)
  const items = listOf(entries).flatMap((entry, at): SubscriptionRecord[] => {
    const stored = bytesIn(entry)
    if (stored.length === 0) return []
    const record = recordOf(relayId, server, notifierIds[at] as Uint8Array, decodeQueue(stored), numberIn(epoch))
    return record.associated || !isSubscribable(record.status) ? [] : [record]
  })
  return { items, next: notifierIds.length < limit ? undefined : notifierIds.at(-1) }
}

export async function subscriptionsOf(
  c: RedisContext,
  relayId: RelayId,
  notifierIds: readonly EntityId[],
): Promise<readonly SubscriptionRecord[]> {
  if (notifierIds.length === 0) return []
  const { server, epoch, queues } = await readQueues(c, relayId, notifierIds)
  if (server === undefined) return []
  return notifierIds.flatMap((notifierId, at): SubscriptionRecord[] => {
    const stored = queues[at]
    if (stored === undefined) return []
    const record = recordOf(relayId, server, notifierId.slice(), decodeQueue(stored), epoch)
    return isSubscribable(record.status) ? [record] : []
  })
}

export async function updateSubscriptions(
  c: RedisContext,
  relayId: RelayId,
  updates: readonly SubscriptionUpdate[],
): Promise<number> {
  let applied = 0
  for (let at = 0; at < updates.length; at += TOGETHER) {
    applied += await updateSome(c, relayId, updates.slice(at, at + TOGETHER))
  }
  return applied
}

/** Updates in one script, and again those of queues that others changed meanwhile. */
async function updateSome(c: RedisContext, relayId: RelayId, updates: readonly SubscriptionUpdate[]): Promise<number> {
  const { relay, subscriptions, fresh } = c.keys.relay(relayId)
  let waiting = updates
  let applied = 0
  while (waiting.length > 0) {
    // Of one queue only the first: the others build on what it leaves.
    const first = new Map<string, SubscriptionUpdate>()
    const later: SubscriptionUpdate[] = []
    for (const update of waiting) {
      const key = idKey(update.notifierId)
      if (first.has(key)) later.push(update)
      else first.set(key, update)
    }
    const now = [...first.values()]
    const { epoch, queues } = await readQueues(
      c,
      relayId,
      now.map(({ notifierId }) => notifierId),
    )
    const there: SubscriptionUpdate[] = []
    const args: (string | number | Uint8Array)[] = []
    for (const [at, update] of now.entries()) {
      const before = queues[at]
      if (before === undefined) continue
      const queue = decodeQueue(before)
      const { notifierId, status, associated } = update
      const association = associated === undefined ? queue.association : associated ? epoch : 0
      const after = { ...queue, status, association }
      if (association === queue.association && sameStatus(queue, after)) {
        applied++
        continue
      }
      there.push(update)
      args.push(notifierId, before, encodeQueue(after), counted(queue), counted(after), c.crypto.md5(notifierId))
    }
    waiting = later
    if (there.length === 0) continue
    const answer = await change(c, UPDATE_QUEUES, [relay, subscriptions, fresh], [fenceOf(c, relayId), epoch, ...args])
    // Another node has this relay by now, and knows better.
    if (answer.word === "lost") return applied
    const failed =
      answer.word === "ok" ? new Set(listOf(answer.values[0]).map(numberIn)) : new Set(there.map((_, index) => index))
    applied += there.length - failed.size
    waiting = [...there.filter((_, index) => failed.has(index)), ...later]
  }
  return applied
}

async function readQueues(
  c: RedisContext,
  relayId: RelayId,
  notifierIds: readonly EntityId[],
): Promise<{
  readonly server: Server | undefined
  readonly epoch: number
  readonly queues: readonly (Uint8Array | undefined)[]
}> {
  const { relay, subscriptions } = c.keys.relay(relayId)
  const [facts, entries] = await c.connection.run({
    steps: [
      ["HMGET", relay, "a", "e"],
      ["HMGET", subscriptions, ...notifierIds],
    ],
    write: false,
  })
  const [address, epoch] = listOf(facts)
  const stored = copyIn(address)
  return {
    server: stored && serverIn(stored),
    epoch: stored === undefined ? 0 : numberIn(epoch),
    queues: listOf(entries).map(copyIn),
  }
}

/** The token that a subscription id belongs to, which never changes. */
async function tokenOf(c: RedisContext, subscriptionId: EntityId): Promise<Uint8Array | undefined> {
  const key = idKey(subscriptionId)
  const known = c.tokensOf.get(key)
  if (known !== undefined) return known
  const tokenId = copyIn(await c.connection.command(["GET", c.keys.subscription(subscriptionId)]))
  if (tokenId !== undefined) c.tokensOf.set(key, tokenId)
  return tokenId
}

/** Takes the id of a subscription; false if there is another one with it. */
async function claimId(c: RedisContext, subscriptionId: EntityId, tokenId: EntityId): Promise<boolean> {
  const line = ["SET", c.keys.subscription(subscriptionId), tokenId, "NX"] as const
  const [reply] = await c.connection.run({ steps: [line], write: true })
  return reply !== null
}

/** Whether the registration knows a queue that its relay has for it. */
async function isOwned(
  c: RedisContext,
  relayId: RelayId,
  notifierId: EntityId,
  { tokenId, subscriptionId }: StoredQueue,
): Promise<boolean> {
  const place = copyIn(await c.connection.command(["HGET", c.keys.token(tokenId).subscriptions, subscriptionId]))
  return place !== undefined && equalBytes(place, concatBytes(relayId, notifierId))
}

function recordOf(
  relayId: RelayId,
  server: Server,
  notifierId: EntityId,
  { association, ...queue }: StoredQueue,
  epoch: number,
): SubscriptionRecord {
  return { ...queue, relayId, server, notifierId, associated: association === epoch }
}

/** The epoch that a queue is counted in, 0 for none. */
function counted({ status, association }: StoredQueue): number {
  return isSubscribable(status) ? association : 0
}

function sameKey(a: StoredQueue, b: StoredQueue): boolean {
  return a.notifierKey.algorithm === b.notifierKey.algorithm && equalBytes(a.notifierKey.raw, b.notifierKey.raw)
}

function sameStatus(a: StoredQueue, b: StoredQueue): boolean {
  return formatSubscriptionStatus(a.status) === formatSubscriptionStatus(b.status)
}

const OPEN = new TextEncoder().encode("(")
