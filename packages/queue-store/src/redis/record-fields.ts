import { fromLatin1 } from "@sluice/encoding/bytes"
import { DecodeError, EncodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { smallCopy } from "@sluice/encoding/small-bytes"
import { Writer } from "@sluice/encoding/writer"
import type { Argument, Reply } from "@sluice/redis/redis-command"
import { readKey, writeKey } from "../codec/key-code.ts"
import type { BlockingInfo, Notifier, QueueMode, QueueRecord, QueueStatus } from "../records.ts"

/**
 * A queue's record as fields of a hash. None of a usual queue is longer than 64 bytes, so that Redis keeps the hash in its
 * compact form:
 *
 *     i  1 mode ("m", "c", "-")  u16 day of creation (0 = unknown)  24 sender ID  32 DH secret
 *     k  u8 count of recipient keys, keys     q  sender key     l  link ID
 *     n  24 notifier ID  32 its DH secret     y  its key        z  24 its service
 *     v  24 message service                   t  status         u  day of last use, decimal
 *
 * Beside them: o and e, the node and epoch of the subscription; w, "0" while a marker closes the queue; c, the number of the
 * last notification; f, how often a message came into the empty queue; g, the revision: microseconds of Redis' clock when any
 * of the fields above but l and u was changed last. Absent fields are absent values.
 */
export const RECORD_FIELDS = ["i", "k", "q", "l", "n", "y", "z", "v", "t", "u", "g"] as const

const ID = 24
const SECRET = 32
const DAY = 86_400
const MODES: Readonly<Record<string, QueueMode>> = { m: "messaging", c: "contact" }

/** Names and values of a record's fields, as arguments of HSET. Throws `EncodeError` for lengths that do not fit. */
export function recordFields(queue: QueueRecord): Argument[] {
  const { senderKey, linkId, notifier, rcvServiceId, status } = queue
  const identity = new Writer(64)
    .ascii(queue.queueMode === undefined ? "-" : queue.queueMode === "messaging" ? "m" : "c")
    .u16(dayOf(queue.createdAt ?? 0))
    .raw(exact(queue.senderId, ID))
    .raw(exact(queue.rcvDhSecret, SECRET))
    .finish()
  const fields: Argument[] = ["i", identity, "k", keyList(queue.recipientKeys), "u", dayOf(queue.updatedAt)]
  if (senderKey !== undefined) fields.push("q", keyField(senderKey))
  if (linkId !== undefined) fields.push("l", linkId)
  if (notifier !== undefined) fields.push(...notifierFields(notifier))
  if (rcvServiceId !== undefined) fields.push("v", exact(rcvServiceId, ID))
  if (status.tag !== "active") fields.push("t", statusField(status))
  return fields
}

/** Names and values of a notifier's fields. */
export function notifierFields(notifier: Notifier): Argument[] {
  const { notifierId, dhSecret, key, serviceId } = notifier
  const identity = new Writer(56).raw(exact(notifierId, ID)).raw(exact(dhSecret, SECRET)).finish()
  const fields: Argument[] = ["n", identity, "y", keyField(key)]
  if (serviceId !== undefined) fields.push("z", exact(serviceId, ID))
  return fields
}

/** A key as a field. */
export function keyField(der: Uint8Array): Uint8Array {
  const w = new Writer(64)
  writeKey(w, der)
  return w.finish()
}

/** Recipient keys as a field. */
export function keyList(keys: readonly Uint8Array[]): Uint8Array {
  const w = new Writer(64).u8(keys.length)
  for (const key of keys) writeKey(w, key)
  return w.finish()
}

/** `o`, or `b` (`B` for a suspended queue) with the number of the reason and, for a notice, `n` and its seconds. */
export function statusField(status: QueueStatus): string {
  switch (status.tag) {
    case "active":
      return ""
    case "off":
      return "o"
    case "blocked":
      return `${status.suspended ? "B" : "b"}${blockingField(status.info)}`
    default:
      return status satisfies never
  }
}

export function blockingField({ reason, notice }: BlockingInfo): string {
  return `${reason === "spam" ? 0 : 1}${notice === undefined ? "" : `n${notice.ttl ?? ""}`}`
}

/** The status of a field's text. Throws `DecodeError` on any other. */
export function statusOf(field: Uint8Array | undefined): QueueStatus {
  if (field === undefined || field.length === 0) return { tag: "active" }
  const text = Buffer.from(field.buffer, field.byteOffset, field.length).toString("latin1")
  if (text === "o") return { tag: "off" }
  const parsed = /^([bB])([01])(?:(n)(\d*))?$/.exec(text)
  if (parsed === null) throw new DecodeError("queue: unknown status")
  const [, blocked, reason, notice, ttl] = parsed
  const info: BlockingInfo = {
    reason: reason === "0" ? "spam" : "content",
    ...(notice !== undefined && { notice: ttl === "" ? {} : { ttl: Number(ttl) } }),
  }
  return { tag: "blocked", info, ...(blocked === "B" && { suspended: true }) }
}

/** The record of the values of {@link RECORD_FIELDS}, in memory that is not the reply's (see `smallBytes`); absent when there is none. */
export function recordOf(recipientId: Uint8Array, values: readonly Reply[]): QueueRecord | undefined {
  const [i, k, q, l, n, y, z, v, t, u] = values.map((value) => (value instanceof Uint8Array ? value : undefined))
  if (i === undefined) return undefined
  if (k === undefined || u === undefined) throw new DecodeError("queue: a field is missing")
  const r = new Reader(smallCopy(i))
  const mode = MODES[String.fromCharCode(r.u8("mode"))]
  const createdAt = r.u16("creation") * DAY
  const senderId = r.take(ID, "sender id")
  const rcvDhSecret = r.take(SECRET, "DH secret")
  r.end()
  const notifier = n === undefined ? undefined : notifierOf(n, y, z)
  return {
    recipientId: smallCopy(recipientId),
    senderId,
    recipientKeys: keysOf(k),
    rcvDhSecret,
    ...(q !== undefined && { senderKey: readKey(new Reader(q)) }),
    ...(mode !== undefined && { queueMode: mode }),
    ...(l !== undefined && { linkId: smallCopy(l) }),
    ...(notifier !== undefined && { notifier }),
    ...(v !== undefined && { rcvServiceId: smallCopy(v) }),
    status: statusOf(t),
    ...(createdAt !== 0 && { createdAt }),
    updatedAt: numberIn(u) * DAY,
  }
}

/** The revision among the values of {@link RECORD_FIELDS}; absent in records that were written before there were any. */
export function revisionOf(values: readonly Reply[]): string | undefined {
  const revision = values.at(-1)
  return revision instanceof Uint8Array ? fromLatin1(revision) : undefined
}

/** The notifier of its three fields, in such memory. */
export function notifierOf(n: Uint8Array, y: Uint8Array | undefined, z: Uint8Array | undefined): Notifier {
  if (y === undefined) throw new DecodeError("queue: a field is missing")
  const r = new Reader(smallCopy(n))
  const notifierId = r.take(ID, "notifier id")
  const dhSecret = r.take(SECRET, "notifier DH secret")
  r.end()
  return { notifierId, key: readKey(new Reader(y)), dhSecret, ...(z !== undefined && { serviceId: smallCopy(z) }) }
}

/** The number of a decimal field. */
export function numberIn(field: Uint8Array): number {
  return Number(Buffer.from(field.buffer, field.byteOffset, field.length).toString("latin1"))
}

/** Whole days since the epoch of a time in seconds. */
export function dayOf(seconds: number): number {
  const day = Math.floor(seconds / DAY)
  if (!(day >= 0 && day <= 0xffff)) throw new EncodeError("queue: a day out of range")
  return day
}

function keysOf(field: Uint8Array): Uint8Array[] {
  const r = new Reader(field)
  const keys = Array.from({ length: r.u8("recipient keys") }, () => readKey(r))
  r.end()
  return keys
}

/** Bytes without a length: others would shift all that follows. */
function exact(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw new EncodeError("queue: wrong length of an ID or a secret")
  return bytes
}
