import { type AuthKey, readKey, writeKey, type X25519Key } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import { readPassword, writePassword } from "@sluice/encoding/password"
import type { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import type { Writer } from "@sluice/encoding/writer"
import { readLinkData, writeLinkData } from "../link-data.ts"
import type { EntityId, LinkData, SubscriptionMode } from "../types.ts"
import { VERSION } from "../versions.ts"
import type { Codec } from "./codec.ts"

/** What kind of queue is asked for, with the data behind its short link, if it has one already. */
export type QueueData =
  | { readonly mode: "messaging"; readonly link?: MessagingLink | undefined }
  | { readonly mode: "contact"; readonly link?: ContactLink | undefined }

/** Link of a messaging queue; the server chooses the link id. */
export interface MessagingLink {
  /** First 24 bytes of SHA3-384 of the correlation id of the same transmission. */
  readonly senderId: EntityId
  readonly data: LinkData
}

/** Link of a contact queue; the client chooses the link id. */
export interface ContactLink extends MessagingLink {
  readonly linkId: EntityId
}

/** Keys for a notifier made together with the queue. */
export interface NotifierKeys {
  readonly authKey: AuthKey
  readonly dhKey: X25519Key
}

/** `NEW`: creates a queue (smp.md §2.1). What a version cannot express is left out when writing. */
export interface NewCommand {
  readonly tag: "NEW"
  /** Authorizes this and all recipient commands. */
  readonly recipientKey: AuthKey
  /** The recipient's half of the secret that delivered bodies are encrypted with. */
  readonly dhKey: X25519Key
  /** Password of the server, printable Latin-1 without white space, `@`, `:` and `/`. */
  readonly password?: string | undefined
  readonly subscription: SubscriptionMode
  /** Absent in v6 to v8, and then the queue has no mode. */
  readonly queueData?: QueueData | undefined
  /** From v17. */
  readonly notifier?: NotifierKeys | undefined
}

const LEGACY_PASSWORD = 0x41 // "A"
const SUBSCRIBE = 0x53 // "S"
const CREATE_ONLY = 0x43 // "C"
const MESSAGING = 0x4d // "M"
const CONTACT = 0x43 // "C"

export const newCodec: Codec<NewCommand> = {
  read(r, v) {
    r.space("NEW")
    const recipientKey = readKey(r, "auth", "recipient key")
    const dhKey = readKey(r, "x25519", "recipient DH key")
    const password =
      v >= VERSION.SENDER_SECURES ? r.maybe((item) => readPassword(item), "password") : readLegacyPassword(r)
    const subscription = readSubscription(r)
    const queueData = readQueueData(r, v)
    const notifier = v >= VERSION.NOTIFIER_IN_NEW ? r.maybe(readNotifierKeys, "notifier keys") : undefined
    return { tag: "NEW", recipientKey, dhKey, password, subscription, queueData, notifier }
  },
  write(w, c, v) {
    w.space()
    writeKey(w, c.recipientKey)
    writeKey(w, c.dhKey)
    if (v >= VERSION.SENDER_SECURES) w.maybe(c.password, writePassword)
    else if (c.password !== undefined) writePassword(w.u8(LEGACY_PASSWORD), c.password)
    w.u8(c.subscription === "subscribe" ? SUBSCRIBE : CREATE_ONLY)
    if (v >= VERSION.SHORT_LINKS) w.maybe(c.queueData, writeQueueData)
    else if (v >= VERSION.SENDER_SECURES) w.bool(c.queueData?.mode === "messaging")
    if (v >= VERSION.NOTIFIER_IN_NEW) w.maybe(c.notifier, writeNotifierKeys)
  },
}

/** Below v9 a password is announced by `A`, which cannot begin the mode that follows. */
function readLegacyPassword(r: Reader): string | undefined {
  if (r.peek() !== LEGACY_PASSWORD) return undefined
  r.u8("password")
  return readPassword(r)
}

function readSubscription(r: Reader): SubscriptionMode {
  switch (r.u8("subscription mode")) {
    case SUBSCRIBE:
      return "subscribe"
    case CREATE_ONLY:
      return "create-only"
    default:
      throw new DecodeError("subscription mode: neither S nor C")
  }
}

function readQueueData(r: Reader, v: Version): QueueData | undefined {
  if (v >= VERSION.SHORT_LINKS) return r.maybe(readLinkedQueueData, "queue data")
  if (v < VERSION.SENDER_SECURES) return undefined
  return { mode: r.bool("sender may secure") ? "messaging" : "contact" }
}

function readLinkedQueueData(r: Reader): QueueData {
  switch (r.u8("queue mode")) {
    case MESSAGING:
      return { mode: "messaging", link: r.maybe(readMessagingLink, "link") }
    case CONTACT:
      return { mode: "contact", link: r.maybe(readContactLink, "link") }
    default:
      throw new DecodeError("queue mode: neither M nor C")
  }
}

function writeQueueData(w: Writer, data: QueueData): void {
  if (data.mode === "messaging") w.u8(MESSAGING).maybe(data.link, writeMessagingLink)
  else w.u8(CONTACT).maybe(data.link, writeContactLink)
}

function readMessagingLink(r: Reader): MessagingLink {
  return { senderId: r.short("sender id"), data: readLinkData(r) }
}

function writeMessagingLink(w: Writer, link: MessagingLink): void {
  w.short(link.senderId)
  writeLinkData(w, link.data)
}

function readContactLink(r: Reader): ContactLink {
  return { linkId: r.short("link id"), senderId: r.short("sender id"), data: readLinkData(r) }
}

function writeContactLink(w: Writer, link: ContactLink): void {
  writeMessagingLink(w.short(link.linkId), link)
}

function readNotifierKeys(r: Reader): NotifierKeys {
  return { authKey: readKey(r, "auth", "notifier key"), dhKey: readKey(r, "x25519", "notifier DH key") }
}

function writeNotifierKeys(w: Writer, keys: NotifierKeys): void {
  writeKey(w, keys.authKey)
  writeKey(w, keys.dhKey)
}
