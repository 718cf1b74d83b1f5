import { readKey, writeKey, type X25519Key } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import type { Writer } from "@sluice/encoding/writer"
import { bare, type Codec } from "../commands/codec.ts"
import { readLinkData, writeLinkData } from "../link-data.ts"
import type { EntityId, LinkData, QueueMode } from "../types.ts"
import { VERSION } from "../versions.ts"

/** A notifier: its id and the server's half of its DH secret. */
export interface NotifierIds {
  readonly notifierId: EntityId
  readonly dhKey: X25519Key
}

/** `IDS`: answer to `NEW` (smp.md §6.1). What a version cannot express is left out when writing. */
export interface IdsMessage {
  readonly tag: "IDS"
  readonly recipientId: EntityId
  readonly senderId: EntityId
  /** The server's half of the secret that delivered bodies are encrypted with. */
  readonly dhKey: X25519Key
  /** Always absent in v6 to v8; in v9 to v14 absent reads back as `contact`. */
  readonly queueMode?: QueueMode | undefined
  /** From v15. */
  readonly linkId?: EntityId | undefined
  /** From v16. */
  readonly serviceId?: EntityId | undefined
  /** From v17. */
  readonly notifier?: NotifierIds | undefined
}

/** `LNK`: answer to `LKEY` and `LGET`. */
export interface LnkMessage {
  readonly tag: "LNK"
  readonly senderId: EntityId
  readonly data: LinkData
}

/** `NID`: answer to `NKEY`. */
export interface NidMessage extends NotifierIds {
  readonly tag: "NID"
}

/** `DELD`: the queue or notifier was deleted by another connection. Sent as `END` below v10. */
export interface DeldMessage {
  readonly tag: "DELD"
}

/** `OK`: done. */
export interface OkMessage {
  readonly tag: "OK"
}

export const deldCodec: Codec<DeldMessage> = bare({ tag: "DELD" })
export const okCodec: Codec<OkMessage> = bare({ tag: "OK" })

export const idsCodec: Codec<IdsMessage> = {
  read(r, v) {
    r.space("IDS")
    const recipientId = r.short("recipient id")
    const senderId = r.short("sender id")
    const dhKey = readKey(r, "x25519", "server DH key")
    const queueMode = readMode(r, v)
    const linkId = v >= VERSION.SHORT_LINKS ? r.maybe(readId, "link id") : undefined
    const serviceId = v >= VERSION.SERVICE_CERTIFICATES ? r.maybe(readId, "service id") : undefined
    const notifier = v >= VERSION.NOTIFIER_IN_NEW ? r.maybe(readNotifierIds, "notifier") : undefined
    return { tag: "IDS", recipientId, senderId, dhKey, queueMode, linkId, serviceId, notifier }
  },
  write(w, m, v) {
    w.space().short(m.recipientId).short(m.senderId)
    writeKey(w, m.dhKey)
    if (v >= VERSION.SHORT_LINKS) w.maybe(m.queueMode, writeQueueMode).maybe(m.linkId, writeId)
    else if (v >= VERSION.SENDER_SECURES) w.bool(m.queueMode === "messaging")
    if (v >= VERSION.SERVICE_CERTIFICATES) w.maybe(m.serviceId, writeId)
    if (v >= VERSION.NOTIFIER_IN_NEW) w.maybe(m.notifier, writeNotifierIds)
  },
}

export const lnkCodec: Codec<LnkMessage> = {
  read(r) {
    r.space("LNK")
    return { tag: "LNK", senderId: r.short("sender id"), data: readLinkData(r) }
  },
  write: (w, m) => writeLinkData(w.space().short(m.senderId), m.data),
}

export const nidCodec: Codec<NidMessage> = {
  read(r) {
    r.space("NID")
    return { tag: "NID", ...readNotifierIds(r) }
  },
  write: (w, m) => writeNotifierIds(w.space(), m),
}

function readMode(r: Reader, v: Version): QueueMode | undefined {
  if (v >= VERSION.SHORT_LINKS) return r.maybe(readQueueMode, "queue mode")
  if (v < VERSION.SENDER_SECURES) return undefined
  return r.bool("queue mode") ? "messaging" : "contact"
}

function readQueueMode(r: Reader): QueueMode {
  switch (r.u8("queue mode")) {
    case 0x4d: // "M"
      return "messaging"
    case 0x43: // "C"
      return "contact"
    default:
      throw new DecodeError("queue mode: neither M nor C")
  }
}

function writeQueueMode(w: Writer, mode: QueueMode): void {
  w.ascii(mode === "messaging" ? "M" : "C")
}

function readNotifierIds(r: Reader): NotifierIds {
  return { notifierId: r.short("notifier id"), dhKey: readKey(r, "x25519", "server notifier DH key") }
}

function writeNotifierIds(w: Writer, ids: NotifierIds): void {
  writeKey(w.short(ids.notifierId), ids.dhKey)
}

function readId(r: Reader): EntityId {
  return r.short("id")
}

function writeId(w: Writer, id: EntityId): void {
  w.short(id)
}
