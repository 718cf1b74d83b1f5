import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"
import {
  type CarriedMessage,
  type ClaimKind,
  type FleetEvent,
  ID_BYTES,
  MAX_CARRIED_BODY,
  MAX_IDS,
  type ServiceKind,
} from "./events.ts"
import { MAX_NODE_NAME, MAX_PAYLOAD } from "./node-link.ts"

/**
 * A payload: format (1 byte, now 1), name of the sender (1 byte length, up to 64 bytes), then events one after another to
 * the end. An event is its tag (1 byte) and its fields without lengths: IDs of 24 bytes, numbers of 8, lists with a count of
 * 2 bytes. A single hint has 33 bytes. One that carries a message has a tag of its own, and behind its fields filling, ID,
 * time, flag and body with a length of 2 bytes: 76 bytes and the body.
 */
export interface Payload {
  readonly sender: string
  readonly events: readonly FleetEvent[]
}

const FORMAT = 1
/** What one event takes at the most, bytes: a list of IDs is longer than a message. */
export const MAX_EVENT: number = 16 + ID_BYTES * (MAX_IDS + 1)
/** A hint that carries a message, without the body; all events without lists and bodies are shorter. */
const CARRYING = 76

const TAGS = {
  stored: 1,
  moved: 2,
  deleted: 3,
  blocked: 4,
  storedForService: 5,
  blockedForService: 6,
  leftService: 7,
  notified: 8,
  notifierDeleted: 9,
  claimed: 10,
  released: 11,
  hello: 12,
  missed: 13,
  leaving: 14,
} as const satisfies Record<FleetEvent["tag"], number>

/** Tag of a `stored` that carries the message. */
const STORED_CARRYING = 15

const TAG_NAMES = new Map<number, FleetEvent["tag"]>(
  Object.entries(TAGS).map(([tag, code]) => [code, tag as FleetEvent["tag"]]),
)
const CLAIM_KINDS: readonly ClaimKind[] = ["messages", "notifications", "notifier"]
const SERVICE_KINDS: readonly ServiceKind[] = ["messages", "notifications"]

/** Begins a payload of this sender; events follow with {@link writeEvent}. */
export function writeSender(w: Writer, sender: string): void {
  w.u8(FORMAT).shortOf((name) => name.ascii(sender))
}

/** Bytes that this event takes at the most, no more than {@link MAX_EVENT}. */
export function roomFor(event: FleetEvent): number {
  switch (event.tag) {
    case "stored":
      return CARRYING + (event.carried?.body.length ?? 0)
    case "notified":
      return 16 + ID_BYTES * (event.notifierIds.length + 1)
    case "claimed":
      return 16 + ID_BYTES * event.ids.length
    default:
      return CARRYING
  }
}

/** Appends one event. Throws `EncodeError` or `RangeError` for IDs, lists and numbers out of their bounds. */
export function writeEvent(w: Writer, event: FleetEvent): void {
  if (event.tag === "stored" && event.carried !== undefined) {
    w.u8(STORED_CARRYING)
    writeId(w, event.recipientId)
    writeNumber(w, event.epoch)
    writeCarried(w, event.carried)
    return
  }
  w.u8(TAGS[event.tag])
  switch (event.tag) {
    case "stored":
    case "moved":
    case "deleted":
    case "blocked":
      writeId(w, event.recipientId)
      writeNumber(w, event.epoch)
      return
    case "storedForService":
    case "blockedForService":
      writeId(w, event.serviceId)
      writeId(w, event.recipientId)
      return
    case "leftService":
      w.u8(SERVICE_KINDS.indexOf(event.kind)).u8(event.deleted ? 1 : 0)
      writeId(w, event.serviceId)
      writeId(w, event.id)
      return
    case "notified":
      w.u8(event.serviceId === undefined ? 0 : 1)
      if (event.serviceId !== undefined) writeId(w, event.serviceId)
      writeIds(w, event.notifierIds)
      return
    case "notifierDeleted":
      writeId(w, event.notifierId)
      return
    case "claimed":
      w.u8(CLAIM_KINDS.indexOf(event.kind))
      writeNumber(w, event.order)
      writeIds(w, event.ids)
      return
    case "released":
      w.u8(SERVICE_KINDS.indexOf(event.kind))
      writeNumber(w, event.order)
      writeId(w, event.serviceId)
      return
    case "hello":
    case "missed":
    case "leaving":
      return
    default:
      event satisfies never
  }
}

export function encodePayload({ sender, events }: Payload): Uint8Array {
  const w = new Writer()
  writeSender(w, sender)
  for (const event of events) writeEvent(w, event)
  return w.finish()
}

/** Reads a whole payload, or throws `DecodeError`. IDs and bodies are views on it. */
export function decodePayload(payload: Uint8Array): Payload {
  if (payload.length > MAX_PAYLOAD) throw new DecodeError("fleet payload: too long")
  const r = new Reader(payload)
  if (r.u8("format") !== FORMAT) throw new DecodeError("fleet payload: unknown format")
  const sender = readName(r)
  const events: FleetEvent[] = []
  while (r.remaining > 0) events.push(readEvent(r))
  return { sender, events }
}

function readEvent(r: Reader): FleetEvent {
  const code = r.u8("tag")
  if (code === STORED_CARRYING) {
    return { tag: "stored", recipientId: readId(r), epoch: readNumber(r), carried: readCarried(r) }
  }
  const tag = TAG_NAMES.get(code)
  switch (tag) {
    case "stored":
    case "moved":
    case "deleted":
    case "blocked":
      return { tag, recipientId: readId(r), epoch: readNumber(r) }
    case "storedForService":
    case "blockedForService":
      return { tag, serviceId: readId(r), recipientId: readId(r) }
    case "leftService":
      return {
        tag,
        kind: oneOf(SERVICE_KINDS, r.u8("kind")),
        deleted: readFlag(r),
        serviceId: readId(r),
        id: readId(r),
      }
    case "notified": {
      const serviceId = readFlag(r) ? readId(r) : undefined
      return { tag, ...(serviceId && { serviceId }), notifierIds: readIds(r) }
    }
    case "notifierDeleted":
      return { tag, notifierId: readId(r) }
    case "claimed":
      return { tag, kind: oneOf(CLAIM_KINDS, r.u8("kind")), order: readNumber(r), ids: readIds(r) }
    case "released":
      return { tag, kind: oneOf(SERVICE_KINDS, r.u8("kind")), order: readNumber(r), serviceId: readId(r) }
    case "hello":
    case "missed":
    case "leaving":
      return { tag }
    case undefined:
      throw new DecodeError("fleet event: unknown tag")
    default:
      return tag satisfies never
  }
}

function writeCarried(w: Writer, { filling, id, timestamp, notify, body }: CarriedMessage): void {
  if (body.length > MAX_CARRIED_BODY) throw new RangeError("fleet event: a body has up to 16088 bytes")
  writeNumber(w, filling)
  writeId(w, id)
  writeNumber(w, timestamp)
  w.u8(notify ? 1 : 0).large(body)
}

function readCarried(r: Reader): CarriedMessage {
  const filling = readNumber(r)
  const id = readId(r)
  const timestamp = readNumber(r)
  const notify = readFlag(r)
  const body = r.large("body")
  if (body.length > MAX_CARRIED_BODY) throw new DecodeError("fleet event: a body has up to 16088 bytes")
  return { filling, id, timestamp, notify, body }
}

function writeId(w: Writer, id: Uint8Array): void {
  if (id.length !== ID_BYTES) throw new RangeError("fleet event: an ID has 24 bytes")
  w.raw(id)
}

function readId(r: Reader): Uint8Array {
  return r.take(ID_BYTES, "ID")
}

function writeIds(w: Writer, ids: readonly Uint8Array[]): void {
  if (ids.length === 0 || ids.length > MAX_IDS) throw new RangeError("fleet event: 1 to 1024 IDs")
  w.u16(ids.length)
  for (const id of ids) writeId(w, id)
}

function readIds(r: Reader): Uint8Array[] {
  const count = r.u16("count")
  if (count === 0 || count > MAX_IDS) throw new DecodeError("fleet event: 1 to 1024 IDs")
  return Array.from({ length: count }, () => readId(r))
}

function writeNumber(w: Writer, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("fleet event: a number out of range")
  w.int64(value)
}

function readNumber(r: Reader): number {
  const value = Number(r.int64("number"))
  if (!Number.isSafeInteger(value) || value < 0) throw new DecodeError("fleet event: a number out of range")
  return value
}

function readFlag(r: Reader): boolean {
  const value = r.u8("flag")
  if (value > 1) throw new DecodeError("fleet event: a flag is 0 or 1")
  return value === 1
}

function oneOf<T>(values: readonly T[], index: number): T {
  const value = values[index]
  if (value === undefined) throw new DecodeError("fleet event: unknown kind")
  return value
}

function readName(r: Reader): string {
  const bytes = r.short("sender")
  if (bytes.length === 0 || bytes.length > MAX_NODE_NAME) throw new DecodeError("fleet payload: the sender's name")
  for (const byte of bytes) if (byte <= 0x20 || byte > 0x7e) throw new DecodeError("fleet payload: the sender's name")
  return String.fromCharCode(...bytes)
}
