import { isId } from "../../codec/keys.ts"
import { decodeLinkData, encodeLinkData } from "../../codec/small-codes.ts"
import type { Outcome, Step } from "../../queue-store.ts"
import type { LinkData, QueueRecord } from "../../records.ts"
import { bytesIn, change, onQueue, type RedisContext, recordIn, refusedBy, tidy } from "../context.ts"
import { hasId } from "../indexes.ts"
import { DELETE_LINK, EXPIRE_LINK, SET_LINK } from "../scripts/queue-scripts.ts"
import { walkList } from "./lists.ts"
import { changeQueue } from "./queues.ts"

/** Link data: LSET, LDEL, and what ends it (smp.md §2.3). */

const DAY = 86_400
/** Version and length in front of the fixed data. */
const FIXED_AT = 3

export async function linkData(c: RedisContext, recipientId: Uint8Array): Promise<LinkData | undefined> {
  if (!isId(recipientId)) return undefined
  const data = bytesIn(await c.connection.command(["GET", c.keys.queue(recipientId).link]))
  return data === undefined ? undefined : decodeLinkData(data)
}

export function setLink(
  c: RedisContext,
  recipientId: Uint8Array,
  linkId: Uint8Array,
  data: LinkData,
): Promise<Outcome<{ readonly queue: QueueRecord }>> {
  return changeQueue(c, recipientId, async ({ record, link }) => {
    const claim = await c.indexes.claim("link", linkId, recipientId)
    const args = [linkId, claim.held ? "1" : "0", encodeLinkData(data), FIXED_AT + data.fixedData.length]
    const answer = await change(c, SET_LINK, [record, link], args)
    const queue = answer.word === "ok" ? recordIn(recipientId, answer.values[0]) : undefined
    if (queue === undefined || !hasId(queue, "link", linkId)) await c.indexes.undo([claim], recipientId)
    return queue === undefined ? refusedBy(answer) : { ok: true, queue }
  })
}

export function deleteLink(
  c: RedisContext,
  recipientId: Uint8Array,
): Promise<Outcome<{ readonly queue: QueueRecord }>> {
  return changeQueue(c, recipientId, async ({ record, link }) => {
    const answer = await change(c, DELETE_LINK, [record, link], [])
    if (answer.word !== "ok") return refusedBy(answer)
    const before = bytesIn(answer.values[1])
    if (before !== undefined) await tidy([c.indexes.release("link", before, recipientId)])
    return { ok: true, queue: recordIn(recipientId, answer.values[0]) }
  })
}

/** Looks at all queues: there is no list of those with link data. */
export async function expireLinks(
  c: RedisContext,
  options: { readonly before: number; readonly limit: number } & Step,
): Promise<Step & { readonly expired: number }> {
  const { ids, step } = await walkList(c, "queues", options)
  const expired = await Promise.all(ids.map((recipientId) => expireLink(c, recipientId, options.before)))
  return { expired: expired.filter(Boolean).length, ...step }
}

async function expireLink(c: RedisContext, recipientId: Uint8Array, before: number): Promise<boolean> {
  if ((await c.connection.command(["EXISTS", c.keys.queue(recipientId).link])) === 0) return false
  return onQueue(c, recipientId, async ({ record, link }) => {
    const { values } = await change(c, EXPIRE_LINK, [record, link], [before / DAY])
    const linkId = bytesIn(values[0])
    if (linkId !== undefined) await tidy([c.indexes.release("link", linkId, recipientId)])
    return linkId !== undefined
  })
}
