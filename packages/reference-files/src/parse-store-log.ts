import { DecodeError } from "@sluice/encoding/errors"
import type {
  LinkData,
  Notifier,
  QueueMode,
  QueueStatus,
  ServiceKind,
  ServiceRecord,
  ServiceRole,
} from "@sluice/queue-store/records"
import { parseBlocking, startsWithNotice } from "./blocking-text.ts"
import { type LineReader, parseLine } from "./line-reader.ts"
import { type LoggedQueue, SERVICE_KINDS, type StoreLogRecord } from "./store-log-record.ts"

/**
 * Reads a line of the store log, without its line feed (one byte a character). It takes all that the reference takes, and
 * two things that the reference writes but cannot read back: an association after a blocking notice, and empty link data
 * (relay-internals.md §10). Throws `DecodeError`.
 */
export function parseStoreLogLine(line: string): StoreLogRecord {
  return parseLine(line, (r) => {
    const tag = r.word()
    r.space("record")
    if (tag === "NEW_SERVICE") return { tag, service: readService(r) }
    if (tag === "CREATE") {
      const queue = readQueue(r)
      return { tag, recipientId: queue.recipientId, queue }
    }
    return readChange(r, tag, r.bytes())
  })
}

function readChange(r: LineReader, tag: string, recipientId: Uint8Array): StoreLogRecord {
  switch (tag) {
    case "LINK":
      return { tag, recipientId, linkId: r.nextBytes("link id"), linkData: readLinkData(r) }
    case "SECURE":
      r.space("sender key")
      return { tag, recipientId, senderKey: r.authKey() }
    case "KEYS":
      r.space("recipient keys")
      return { tag, recipientId, recipientKeys: r.authKeys() }
    case "NOTIFIER":
      r.space("notifier")
      return { tag, recipientId, notifier: readNotifier(r) }
    case "BLOCK":
      r.space("reason")
      return { tag, recipientId, info: parseBlocking(r.rest()) }
    case "TIME":
      r.space("time")
      return { tag, recipientId, updatedAt: r.seconds("time") }
    case "QUEUE_SERVICE":
      return { tag, recipientId, ...readAssociation(r) }
    case "LDELETE":
    case "NDELETE":
    case "SUSPEND":
    case "UNBLOCK":
    case "DELETE":
      return { tag, recipientId }
    default:
      throw new DecodeError("record: unknown tag")
  }
}

function readService(r: LineReader): ServiceRecord {
  r.literal("service_id=", "service id")
  const serviceId = r.bytes()
  r.literal(" role=", "role")
  const role = readRole(r)
  r.literal(" cert=", "certificates")
  const certificates = r.nonEmpty((item) => item.bytes())
  r.literal(" cert_hash=", "certificate hash")
  const fingerprint = r.bytes()
  r.literal(" created_at=", "creation")
  return { serviceId, role, fingerprint, certificates, createdAt: r.seconds("creation") }
}

function readRole(r: LineReader): ServiceRole {
  const role = r.char("role")
  if (role === "M" || role === "N" || role === "P") return role
  throw new DecodeError("role: unknown")
}

/** The fields have this order, and all but the first five may be missing. */
function readQueue(r: LineReader): LoggedQueue {
  r.literal("rid=", "recipient id")
  const recipientId = r.bytes()
  r.literal(" rk=", "recipient keys")
  const recipientKeys = r.authKeys()
  r.literal(" rdh=", "DH secret")
  const rcvDhSecret = r.secret()
  r.literal(" sid=", "sender id")
  const senderId = r.bytes()
  r.literal(" sk=", "sender key")
  const senderKey = r.maybe(() => r.authKey())
  const queueMode = readMode(r)
  const link = readLink(r)
  const notifier = r.skip(" notifier=") ? readNotifier(r) : undefined
  const updatedAt = r.skip(" updated_at=") ? r.seconds("last use") : undefined
  const status = readStatus(r)
  const rcvServiceId = r.skip(" rsrv=") ? r.bytes() : undefined
  return {
    recipientId,
    senderId,
    recipientKeys,
    rcvDhSecret,
    ...(senderKey !== undefined && { senderKey }),
    ...(queueMode !== undefined && { queueMode }),
    ...link,
    ...(notifier !== undefined && { notifier }),
    ...(rcvServiceId !== undefined && { rcvServiceId }),
    status,
    ...(updatedAt !== undefined && { updatedAt }),
  }
}

/** `sndSecure` is what the mode was called before there were contact queues with links. */
function readMode(r: LineReader): QueueMode | undefined {
  if (r.skip(" sndSecure=")) return r.bool("sndSecure") ? "messaging" : "contact"
  if (!r.skip(" queue_mode=")) return undefined
  const mode = r.char("queue mode")
  if (mode === "M") return "messaging"
  if (mode === "C") return "contact"
  throw new DecodeError("queue mode: unknown")
}

function readLink(r: LineReader): Pick<LoggedQueue, "linkId" | "linkData"> {
  if (!r.skip(" link_id=")) return {}
  const linkId = r.bytes()
  r.literal(" queue_data=", "link data")
  return { linkId, linkData: readPair(r) }
}

function readLinkData(r: LineReader): LinkData {
  r.space("link data")
  return readPair(r)
}

function readPair(r: LineReader): LinkData {
  const fixedData = r.bytesOrNone()
  r.space("user data")
  return { fixedData, userData: r.bytesOrNone() }
}

function readNotifier(r: LineReader): Notifier {
  const notifierId = r.bytes()
  r.space("notifier key")
  const key = r.authKey()
  r.space("notifier DH secret")
  const dhSecret = r.secret()
  return { notifierId, key, dhSecret, ...(r.skip(" nsrv=") && { serviceId: r.bytes() }) }
}

function readStatus(r: LineReader): QueueStatus {
  if (!r.skip(" status=")) return { tag: "active" }
  if (!r.skip("blocked,")) return readPlainStatus(r.word())
  if (!startsWithNotice(r.peekRest())) return { tag: "blocked", info: parseBlocking(r.word()) }
  // The notice takes the rest of the line; only the field that a queue can have after it is told apart.
  const [, notice = ""] = /^(.*?)( rsrv=[\w=-]+)?$/s.exec(r.peekRest()) ?? []
  r.literal(notice, "notice")
  return { tag: "blocked", info: parseBlocking(notice) }
}

function readPlainStatus(word: string): QueueStatus {
  if (word === "active" || word === "off") return { tag: word }
  throw new DecodeError("status: unknown")
}

function readAssociation(r: LineReader): { readonly kind: ServiceKind; readonly serviceId?: Uint8Array } {
  r.space("service kind")
  const letter = r.word()
  const kind = letter === SERVICE_KINDS.messages ? "messages" : "notifications"
  if (letter !== SERVICE_KINDS[kind]) throw new DecodeError("service kind: unknown")
  r.space("service id")
  return { kind, ...(r.peek() !== undefined && { serviceId: r.bytes() }) }
}
