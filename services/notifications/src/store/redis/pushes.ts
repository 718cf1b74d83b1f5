import { EMPTY, idKey } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import type { MessageEntry } from "@sluice/ntf-protocol/message-list"
import { listOf, numberOf } from "@sluice/redis/redis-command"
import type { EntityId } from "@sluice/smp-protocol/types"
import type {
  Page,
  PageOptions,
  PendingPush,
  PushReference,
  ReceivedNotification,
  RecordedNotifications,
  RelayId,
  StoreCounts,
} from "../ntf-store.ts"
import { decodeToken } from "../records-code.ts"
import { addToCounts, ask, bytesIn, change, numberIn, type RedisContext, tidy, unexpected } from "./context.ts"
import { BUCKETS, KIND } from "./keys.ts"
import { delist, enlist, memberOf, pushOf, putOff } from "./push-list.ts"
import { ownerKey, ownersOf } from "./queues.ts"
import { serverOf } from "./relays.ts"
import { CLAIM, FINISH, RECORD } from "./scripts/push-scripts.ts"

const RELAY_ID_LENGTH = 16
/** Digits of number and time before a last notification. */
const NUMBER = 15
const TIME = 10
/** Time after which a claim of a node that lives holds no more; attempts are much shorter, ms. */
export const CLAIM_AT_MOST = 180_000

/** Each token's notifications are stored by one script; a repetition after a lost answer stores nothing twice. */
export async function recordNotifications(
  c: RedisContext,
  relayId: RelayId,
  notifications: readonly ReceivedNotification[],
  time: number,
): Promise<RecordedNotifications> {
  const tokens = new Map<string, EntityId>()
  let waiting = notifications
  let unwanted = 0
  // Once from memory; what has other owners by now is looked up.
  for (const last of [false, true]) {
    const { lost, refused, taken } = await recordSome(c, relayId, waiting, time)
    for (const tokenId of taken) tokens.set(idKey(tokenId), tokenId)
    unwanted += refused
    if (last) unwanted += lost.length
    waiting = lost
    if (waiting.length === 0) break
  }
  return { tokens: [...tokens.values()], unwanted }
}

interface Recorded {
  /** Notifications of subscriptions that are not where they were. */
  readonly lost: readonly ReceivedNotification[]
  readonly refused: number
  readonly taken: readonly EntityId[]
}

async function recordSome(
  c: RedisContext,
  relayId: RelayId,
  notifications: readonly ReceivedNotification[],
  time: number,
): Promise<Recorded> {
  const owners = await ownersOf(
    c,
    relayId,
    notifications.map(({ notifierId }) => notifierId),
  )
  type Some = { tokenId: EntityId; items: { notification: ReceivedNotification; subscriptionId: EntityId }[] }
  const byToken = new Map<string, Some>()
  let refused = 0
  for (const [at, notification] of notifications.entries()) {
    const owner = owners[at]
    if (owner === undefined) {
      refused++
      continue
    }
    const key = idKey(owner.tokenId)
    const some = byToken.get(key) ?? { tokenId: owner.tokenId, items: [] }
    some.items.push({ notification, subscriptionId: owner.subscriptionId })
    byToken.set(key, some)
  }
  const all = [...byToken.values()]
  const messageTo = (tokenId: EntityId): PushReference => ({ tokenId, kind: "message" })
  const at =
    all.length > 0
      ? await enlist(
          c,
          all.map(({ tokenId }) => messageTo(tokenId)),
        )
      : 0
  const lost: ReceivedNotification[] = []
  const taken: EntityId[] = []
  let more = 0
  await Promise.all(
    all.map(async ({ tokenId, items }) => {
      const { token, subscriptions, last } = c.keys.token(tokenId)
      const args = items.flatMap(({ subscriptionId, notification }) => [subscriptionId, time, bodyOf(notification)])
      const answer = await change(c, RECORD, [token, subscriptions, last], args)
      const [isPending] = answer.values
      if (numberIn(isPending) === 0) await tidy([delist(c, messageTo(tokenId), at)])
      if (answer.word === "inactive") {
        refused += items.length
        return
      }
      if (answer.word !== "ok") throw unexpected(answer)
      const [, missing, difference, count] = answer.values
      more += numberIn(difference)
      if (numberIn(count) > 0) taken.push(tokenId)
      for (const place of listOf(missing)) {
        const { notification } = items[numberIn(place)] as (typeof items)[number]
        c.owners.delete(ownerKey(relayId, notification.notifierId))
        lost.push(notification)
      }
    }),
  )
  await tidy([addToCounts(c, "notifications", more)])
  return { lost, refused, taken }
}

/**
 * Claims the push for this node; absent as well when another node has it, or it is to be tried again only later. A
 * claim holds for the time of a lease in any case, in which a node that is new becomes known to all.
 */
export async function pendingPush(c: RedisContext, push: PushReference): Promise<PendingPush | undefined> {
  const { token, subscriptions, last } = c.keys.token(push.tokenId)
  const nodes = c.fleet?.nodes() ?? []
  const args = [KIND[push.kind], c.node, c.lease, CLAIM_AT_MOST, ...nodes]
  const answer = await ask(c, CLAIM, [token, subscriptions, last], args)
  if (answer.word !== "ok") return undefined
  await putOff(c, push, c.lease)
  const [record, sequence, notifications, queues] = answer.values
  return {
    ...push,
    sequence: numberIn(sequence),
    token: decodeToken(push.tokenId.slice(), bytesIn(record)),
    entries: await entriesOf(c, listOf(notifications).map(bytesIn), listOf(queues).map(bytesIn)),
  }
}

async function entriesOf(
  c: RedisContext,
  notifications: readonly Uint8Array[],
  queues: readonly Uint8Array[],
): Promise<MessageEntry[]> {
  const found = await Promise.all(
    queues.map(async (queue, at) => {
      const stored = notifications[2 * at + 1] ?? EMPTY
      const server = queue.length > 0 ? await serverOf(c, queue.subarray(0, RELAY_ID_LENGTH)) : undefined
      if (server === undefined) return []
      const sequence = digits(stored.subarray(0, NUMBER))
      const time = digits(stored.subarray(NUMBER, NUMBER + TIME))
      const r = new Reader(stored.subarray(NUMBER + TIME))
      const notifierId = queue.slice(RELAY_ID_LENGTH)
      return {
        sequence,
        entry: { queue: { server, notifierId }, time, nonce: r.short("nonce"), meta: r.short("metadata") },
      }
    }),
  )
  return found
    .flat()
    .sort((a, b) => a.sequence - b.sequence)
    .map(({ entry }) => entry)
}

/** Pages by place in the lists: what is sent or added meanwhile may be left out or given twice. */
export async function pendingPushes(c: RedisContext, { after, limit }: PageOptions): Promise<Page<PushReference>> {
  const r = after === undefined ? undefined : new Reader(after)
  let bucket = r?.u8("list") ?? 0
  let place = r?.u32("place") ?? 0
  const items: PushReference[] = []
  for (;;) {
    const line = ["ZRANGE", c.keys.pushes(bucket), place, place + limit - items.length - 1] as const
    const members = listOf(await c.connection.command(line)).map(bytesIn)
    items.push(...members.map(pushOf))
    place += members.length
    if (items.length >= limit) break
    if (++bucket >= BUCKETS) return { items }
    place = 0
  }
  return { items, next: encodeWith((w) => w.u8(bucket).u32(place), 5) }
}

export async function finishPush(c: RedisContext, push: PushReference, sequence: number): Promise<boolean> {
  const answer = await change(c, FINISH, [c.keys.token(push.tokenId).token], [KIND[push.kind], sequence])
  const more = numberIn(answer.values[0]) === 1
  if (!more) await tidy([delist(c, push)])
  else c.claims.delete(idKey(memberOf(push)))
  return more
}

export async function counts(c: RedisContext): Promise<StoreCounts> {
  const [numbers, relays, ...lists] = await Promise.all([
    c.connection.command(["HMGET", c.keys.counts(), "tokens", "subscriptions", "notifications"]),
    c.connection.command(["ZCARD", c.keys.relays()]),
    ...Array.from({ length: BUCKETS }, (_, bucket) => c.connection.command(["ZCARD", c.keys.pushes(bucket)])),
  ])
  const [tokens = 0, subscriptions = 0, notifications = 0] = listOf(numbers).map((n) => Math.max(0, numberIn(n ?? 0)))
  const pushes = lists.map(numberOf).reduce((sum, n) => sum + n, 0)
  return { tokens, subscriptions, notifications, pushes, relays: numberOf(relays) }
}

function bodyOf({ nonce, meta }: ReceivedNotification): Uint8Array {
  return encodeWith((w) => w.short(nonce).short(meta), 192)
}

function digits(bytes: Uint8Array): number {
  const value = Number(Buffer.from(bytes).toString("latin1"))
  if (!Number.isSafeInteger(value)) throw new DecodeError("stored record: not a number")
  return value
}
