import { DecodeError, EncodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { smallCopy } from "@sluice/encoding/small-bytes"
import { Writer } from "@sluice/encoding/writer"
import type { BlockingInfo, Notifier, QueueMode, QueueRecord, QueueStatus } from "../records.ts"
import { readKey, writeKey } from "./key-code.ts"

/**
 * Stored form of a queue record, version 1:
 *
 *     u8 version   u16 flags   u16 day of last use   u16 day of creation (0 = unknown)
 *     24 sender ID   32 DH secret   [24 message service]   [24 notifier ID]
 *     [32 notifier's DH secret   key   [24 notification service]]   [u8-prefixed link ID]   [sender key]
 *     u8 count of recipient keys, keys   [blocking: u8 reason, u8 notice, [int64 ttl]]
 *
 * The recipient ID is the key of the entry. A secured messaging queue with Ed25519 keys takes 130 bytes, with a notifier
 * 219. What sending a message needs stands at fixed places, so that {@link QueueView} reads it without decoding.
 */
const VERSION = 1

const MODE_MESSAGING = 1 << 0
const MODE_CONTACT = 1 << 1
const OFF = 1 << 2
const BLOCKED = 1 << 3
const SENDER_KEY = 1 << 4
const LINK = 1 << 5
const NOTIFIER = 1 << 6
const NOTIFIER_SERVICE = 1 << 7
const MESSAGE_SERVICE = 1 << 8

const ID = 24
const SECRET = 32
const DAY = 86_400
const FIXED_PART = 7 + ID + SECRET

const REASONS: readonly BlockingInfo["reason"][] = ["spam", "content"]
const NO_NOTICE = 0
const NOTICE_WITHOUT_END = 1
const NOTICE_WITH_TTL = 2

/** Stored form of the record. Throws `EncodeError` when a number, a list or a length is out of range. */
export function encodeQueue(queue: QueueRecord): Uint8Array {
  const { notifier, status } = queue
  const w = new Writer(FIXED_PART + 160)
  w.u8(VERSION)
    .u16(flagsOf(queue))
    .u16(toDay(queue.updatedAt))
    .u16(toDay(queue.createdAt ?? 0))
  writeExact(w, queue.senderId, ID)
  writeExact(w, queue.rcvDhSecret, SECRET)
  if (queue.rcvServiceId !== undefined) writeExact(w, queue.rcvServiceId, ID)
  if (notifier !== undefined) {
    writeExact(w, notifier.notifierId, ID)
    writeExact(w, notifier.dhSecret, SECRET)
    writeKey(w, notifier.key)
    if (notifier.serviceId !== undefined) writeExact(w, notifier.serviceId, ID)
  }
  if (queue.linkId !== undefined) w.short(queue.linkId)
  if (queue.senderKey !== undefined) writeKey(w, queue.senderKey)
  w.u8(queue.recipientKeys.length)
  for (const key of queue.recipientKeys) writeKey(w, key)
  if (status.tag === "blocked") writeBlocking(w, status.info)
  return w.finish()
}

/** The record of a stored form, in memory that is not the table's (see `smallBytes`). Throws `DecodeError` on anything that {@link encodeQueue} does not write. */
export function decodeQueue(recipientId: Uint8Array, stored: Uint8Array): QueueRecord {
  const r = new Reader(smallCopy(stored))
  const version = r.u8("queue version")
  if (version !== VERSION) throw new DecodeError("queue: unknown version")
  const flags = r.u16("queue flags")
  const updatedAt = r.u16("last use") * DAY
  const createdAt = r.u16("creation") * DAY
  const senderId = r.take(ID, "sender id")
  const rcvDhSecret = r.take(SECRET, "DH secret")
  const rcvServiceId = (flags & MESSAGE_SERVICE) !== 0 ? r.take(ID, "message service") : undefined
  const notifier = (flags & NOTIFIER) !== 0 ? readNotifier(r, flags) : undefined
  const linkId = (flags & LINK) !== 0 ? r.short("link id") : undefined
  const senderKey = (flags & SENDER_KEY) !== 0 ? readKey(r) : undefined
  const recipientKeys = Array.from({ length: r.u8("recipient keys") }, () => readKey(r))
  const status = readStatus(r, flags)
  r.end()
  return {
    recipientId: smallCopy(recipientId),
    senderId,
    recipientKeys,
    rcvDhSecret,
    ...(senderKey !== undefined && { senderKey }),
    ...modeOf(flags),
    ...(linkId !== undefined && { linkId }),
    ...(notifier !== undefined && { notifier }),
    ...(rcvServiceId !== undefined && { rcvServiceId }),
    status,
    ...(createdAt !== 0 && { createdAt }),
    updatedAt,
  }
}

/** What sending and expiring need of a stored record, read in place. Valid only as long as the bytes are. */
export class QueueView {
  readonly #stored: Uint8Array
  readonly #flags: number

  /** Throws `DecodeError` unless the bytes can be the form of this version. */
  constructor(stored: Uint8Array) {
    if (stored[0] !== VERSION || stored.length < FIXED_PART) throw new DecodeError("queue: unknown version")
    this.#stored = stored
    this.#flags = ((stored[1] as number) << 8) | (stored[2] as number)
  }

  /** Suspended, and not blocked besides. */
  get off(): boolean {
    return (this.#flags & (OFF | BLOCKED)) === OFF
  }

  get blocked(): boolean {
    return (this.#flags & BLOCKED) !== 0
  }

  get hasLink(): boolean {
    return (this.#flags & LINK) !== 0
  }

  get secured(): boolean {
    return (this.#flags & SENDER_KEY) !== 0
  }

  get mode(): QueueMode | undefined {
    return modeOf(this.#flags).queueMode
  }

  /** Counts as "secured messaging queue" (smp.md §1): of another mode than contact, with a sender key. */
  get securedMessaging(): boolean {
    return (this.#flags & (SENDER_KEY | MODE_CONTACT)) === SENDER_KEY
  }

  /** Day of creation in seconds, of the last use where that is not known. */
  get createdBy(): number {
    return (this.#u16(5) || this.#u16(3)) * DAY
  }

  /** A copy. */
  get rcvServiceId(): Uint8Array | undefined {
    return (this.#flags & MESSAGE_SERVICE) !== 0 ? this.#id(FIXED_PART) : undefined
  }

  /** A copy. */
  get notifierId(): Uint8Array | undefined {
    if ((this.#flags & NOTIFIER) === 0) return undefined
    return this.#id((this.#flags & MESSAGE_SERVICE) !== 0 ? FIXED_PART + ID : FIXED_PART)
  }

  #id(at: number): Uint8Array {
    return smallCopy(this.#stored.subarray(at, at + ID))
  }

  #u16(at: number): number {
    return ((this.#stored[at] as number) << 8) | (this.#stored[at + 1] as number)
  }
}

function flagsOf(queue: QueueRecord): number {
  let flags = 0
  if (queue.queueMode === "messaging") flags |= MODE_MESSAGING
  if (queue.queueMode === "contact") flags |= MODE_CONTACT
  if (queue.status.tag === "off" || (queue.status.tag === "blocked" && queue.status.suspended)) flags |= OFF
  if (queue.status.tag === "blocked") flags |= BLOCKED
  if (queue.senderKey !== undefined) flags |= SENDER_KEY
  if (queue.linkId !== undefined) flags |= LINK
  if (queue.notifier !== undefined) flags |= NOTIFIER
  if (queue.notifier?.serviceId !== undefined) flags |= NOTIFIER_SERVICE
  if (queue.rcvServiceId !== undefined) flags |= MESSAGE_SERVICE
  return flags
}

function modeOf(flags: number): { readonly queueMode?: QueueMode } {
  if ((flags & MODE_MESSAGING) !== 0) return { queueMode: "messaging" }
  if ((flags & MODE_CONTACT) !== 0) return { queueMode: "contact" }
  return {}
}

/** Bytes without a length prefix: another length would shift all that follows. */
function writeExact(w: Writer, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new EncodeError("queue: wrong length of an ID or a secret")
  w.raw(bytes)
}

function toDay(seconds: number): number {
  return Math.floor(seconds / DAY)
}

function readNotifier(r: Reader, flags: number): Notifier {
  const notifierId = r.take(ID, "notifier id")
  const dhSecret = r.take(SECRET, "notifier DH secret")
  const key = readKey(r)
  if ((flags & NOTIFIER_SERVICE) === 0) return { notifierId, key, dhSecret }
  return { notifierId, key, dhSecret, serviceId: r.take(ID, "notification service") }
}

function writeBlocking(w: Writer, info: BlockingInfo): void {
  w.u8(REASONS.indexOf(info.reason))
  if (info.notice === undefined) w.u8(NO_NOTICE)
  else if (info.notice.ttl === undefined) w.u8(NOTICE_WITHOUT_END)
  else w.u8(NOTICE_WITH_TTL).int64(info.notice.ttl)
}

function readStatus(r: Reader, flags: number): QueueStatus {
  const suspended = (flags & OFF) !== 0
  if ((flags & BLOCKED) === 0) return { tag: suspended ? "off" : "active" }
  return { tag: "blocked", info: readBlocking(r), ...(suspended && { suspended }) }
}

function readBlocking(r: Reader): BlockingInfo {
  const reason = REASONS[r.u8("reason")]
  if (reason === undefined) throw new DecodeError("queue: unknown reason of blocking")
  const notice = r.u8("notice")
  if (notice === NO_NOTICE) return { reason }
  if (notice === NOTICE_WITHOUT_END) return { reason, notice: {} }
  return { reason, notice: { ttl: Number(r.int64("ttl")) } }
}
