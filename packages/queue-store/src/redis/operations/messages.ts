import type { CommandLine, Reply } from "@sluice/redis/redis-command"
import { listOf } from "@sluice/redis/redis-command"
import { isId } from "../../codec/keys.ts"
import { encodeNotification } from "../../codec/small-codes.ts"
import type { AcknowledgeResult, EnqueueOptions, EnqueueResult, Owner, Peeked, Step } from "../../queue-store.ts"
import type { NewMessage, StoredMessage } from "../../records.ts"
import { bytesIn, change, countIn, onQueue, type RedisContext, read, tidy } from "../context.ts"
import { bodyKey } from "../keys.ts"
import { numberIn, statusOf } from "../record-fields.ts"
import { RedisDataError } from "../redis-errors.ts"
import { ACKNOWLEDGE, ALL_MESSAGES, ENQUEUE, EXPIRE_MESSAGES, PEEK } from "../scripts/message-scripts.ts"
import { walkList } from "./lists.ts"
import { decodeItem, encodeItem, messageOf } from "./message-items.ts"

/** Sending, reading and acknowledging messages, and their expiry (smp.md §2.6, §4, §5). */

/** Seconds after which a body vanishes whose message was never stored, because the script behind it was lost. */
const BODY_LIFETIME = 600
const NOTHING = new Uint8Array(0)

/** One SET of the body and one script, in the same write. */
export function enqueue(
  c: RedisContext,
  recipientId: Uint8Array,
  message: NewMessage,
  options: EnqueueOptions,
): Promise<EnqueueResult> {
  if (!isId(recipientId)) return Promise.resolve({ result: "no-queue" })
  const { quota, expireBefore, notification, revision } = options
  return onQueue(c, recipientId, async (keys) => {
    const { record, messages, bodies, link, notifications } = keys
    const name = c.bodyNames.next()
    const key = bodyKey(keys, name)
    const body: CommandLine = ["SET", key, message.body, "EX", BODY_LIFETIME]
    const { word, values } = await change(
      c,
      ENQUEUE,
      [record, messages, bodies, link, notifications, key],
      [
        encodeItem(message, name),
        quota,
        expireBefore ?? "",
        notification?.notifierId ?? "",
        notification === undefined ? NOTHING : encodeNotification({ ...notification, timestamp: message.timestamp }),
        revision ?? "",
      ],
      [body],
    )
    switch (word) {
      case "no-queue":
      case "off":
        return { result: word }
      case "changed":
        c.indexes.changed(recipientId)
        return { result: word }
      case "blocked": {
        const status = statusOf(bytesIn(values[0]))
        return status.tag === "blocked" ? { result: "blocked", info: status.info } : { result: "off" }
      }
      case "quota": {
        const [markerStored, expired, spent] = values
        await settle(c, recipientId, countIn(expired), bytesIn(spent))
        return { result: "quota", markerStored: markerStored === 1, expired: countIn(expired) }
      }
      case "stored": {
        const [size, expired, spent, notified, node, epoch, service, filling] = values
        await settle(c, recipientId, countIn(expired) - 1, bytesIn(spent))
        c.counts.add("notifications", countIn(notified))
        const owner = ownerOf(bytesIn(node), bytesIn(epoch))
        const rcvServiceId = bytesIn(service)
        return {
          result: "stored",
          wasEmpty: size === 0,
          ...(size === 0 && { filling: countIn(filling) }),
          ...(owner !== undefined && { owner }),
          ...(rcvServiceId !== undefined && { rcvServiceId: new Uint8Array(rcvServiceId) }),
          notified: notified === 1,
          expired: countIn(expired),
        }
      }
      default:
        throw new RedisDataError(`enqueue answered ${word}`)
    }
  })
}

export function acknowledge(
  c: RedisContext,
  recipientId: Uint8Array,
  messageId: Uint8Array,
  owner: Owner | undefined,
  revision: string | undefined,
): Promise<AcknowledgeResult> {
  if (!isId(recipientId)) return Promise.resolve({ result: "no-queue" })
  return onQueue(c, recipientId, async ({ record, messages, bodies }) => {
    const args = [messageId, owner?.node ?? "", owner?.epoch ?? "", revision ?? ""]
    const { word, values } = await change(c, ACKNOWLEDGE, [record, messages, bodies], args)
    if (word === "changed") c.indexes.changed(recipientId)
    if (word === "no-queue" || word === "not-owner" || word === "changed") return { result: word }
    const [gone, item, body, filling] = values
    const removed = gone instanceof Uint8Array ? decodeItem(gone) : undefined
    if (removed?.kind === "message") c.counts.add("messages", -1)
    const next = messageOf(item, body)
    return {
      result: "acknowledged",
      ...(removed !== undefined && {
        removed: { kind: removed.kind, timestamp: removed.timestamp, notify: removed.notify },
      }),
      ...(next === undefined ? { filling: fillingIn(filling) } : { next }),
    }
  })
}

export async function peek(c: RedisContext, recipientId: Uint8Array): Promise<Peeked> {
  if (!isId(recipientId)) return {}
  const { record, messages, bodies } = c.keys.queue(recipientId)
  const { values } = await read(c, PEEK, [messages, bodies, record])
  const head = messageOf(values[0], values[1])
  return head === undefined ? { filling: fillingIn(values[2]) } : { head }
}

export async function queueInfo(
  c: RedisContext,
  recipientId: Uint8Array,
): Promise<{
  readonly size: number
  readonly head?: { readonly id: Uint8Array; readonly timestamp: number; readonly kind: StoredMessage["kind"] }
}> {
  if (!isId(recipientId)) return { size: 0 }
  const { messages } = c.keys.queue(recipientId)
  const steps = [
    ["LLEN", messages],
    ["LINDEX", messages, 0],
  ] as const
  const [size, item] = await c.connection.run({ steps, write: false })
  if (!(item instanceof Uint8Array)) return { size: 0 }
  const { id, timestamp, kind } = decodeItem(item)
  // The two are read one after the other: a queue with a head holds something, whatever came and went between them.
  return { size: Math.max(1, countIn(size)), head: { id, timestamp, kind } }
}

export async function allMessages(c: RedisContext, recipientId: Uint8Array): Promise<StoredMessage[]> {
  if (!isId(recipientId)) return []
  const { messages, bodies } = c.keys.queue(recipientId)
  const { values } = await read(c, ALL_MESSAGES, [messages, bodies])
  const stored = listOf(values[1])
  return listOf(values[0]).flatMap((item, i) => messageOf(item, stored[i]) ?? [])
}

/** Looks at the heads of all queues, with or without messages: there is no list of those that have some. */
export async function expireMessages(
  c: RedisContext,
  options: { readonly before: number; readonly limit: number } & Step,
): Promise<Step & { readonly expired: number }> {
  const { ids, step } = await walkList(c, "queues", options)
  const expired = await Promise.all(ids.map((recipientId) => expireQueue(c, recipientId, options.before)))
  return { expired: expired.reduce((sum, n) => sum + n, 0), ...step }
}

async function expireQueue(c: RedisContext, recipientId: Uint8Array, before: number): Promise<number> {
  const head = await c.connection.command(["LINDEX", c.keys.queue(recipientId).messages, 0])
  if (!(head instanceof Uint8Array)) return 0
  const { kind, timestamp } = decodeItem(head)
  if (kind === "quota" || timestamp >= before) return 0
  return onQueue(c, recipientId, async ({ messages, bodies }) => {
    const { values } = await change(c, EXPIRE_MESSAGES, [messages, bodies], [before])
    const expired = countIn(values[0])
    c.counts.add("messages", -expired)
    return expired
  })
}

/** What follows from a message that was sent: numbers, and the index of a link that was used up with it (smp.md §2.3). */
async function settle(
  c: RedisContext,
  recipientId: Uint8Array,
  removed: number,
  spent: Uint8Array | undefined,
): Promise<void> {
  c.counts.add("messages", -removed)
  if (spent !== undefined) await tidy([c.indexes.release("link", spent, recipientId)])
}

/** How often a queue was filled, of the field that a queue gets with its first message. */
export function fillingIn(value: Reply | undefined): number {
  return value instanceof Uint8Array ? numberIn(value) : 0
}

/** The owner of its two fields. */
export function ownerOf(node: Uint8Array | undefined, epoch: Uint8Array | undefined): Owner | undefined {
  if (node === undefined || epoch === undefined) return undefined
  return { node: Buffer.from(node).toString("utf8"), epoch: numberIn(epoch) }
}
