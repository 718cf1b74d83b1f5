import { type AuthKey, privateKey, readKey, readPrivateKey, writeKey, writePrivateKey } from "@sluice/crypto/keys"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { readServer, type Server, writeServer } from "@sluice/encoding/server-address"
import { encodeWith } from "@sluice/encoding/writer"
import type { NotifierKey } from "@sluice/ntf-protocol/commands"
import { readDeviceToken, writeDeviceToken } from "@sluice/ntf-protocol/device-token"
import {
  formatSubscriptionStatus,
  formatTokenStatus,
  parseSubscriptionStatus,
  parseTokenStatus,
  type SubscriptionStatus,
} from "@sluice/ntf-protocol/status"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { TokenRecord } from "./ntf-store.ts"

/*
 * How records are stored: a version byte, then the fields. Readers get a copy of what is stored, so that the views in
 * records stay valid.
 */
const VERSION = 1

export function encodeToken(token: TokenRecord): Uint8Array {
  const { device, status, verifyKey, dhKey, secret, code, cronMinutes, cronSentAt, seenDay } = token
  return encodeWith((w) => {
    writeDeviceToken(w.u8(VERSION), device)
    w.short(utf8(formatTokenStatus(status)))
    writeKey(w, verifyKey)
    w.short(dhKey.raw).short(secret).short(code).u16(cronMinutes).int64(cronSentAt).u32(seenDay)
  }, 512)
}

export function decodeToken(tokenId: EntityId, stored: Uint8Array): TokenRecord {
  const r = reader(stored)
  return {
    tokenId,
    device: readDeviceToken(r),
    status: parseTokenStatus(fromUtf8(r.short("status"))),
    verifyKey: readKey(r, "auth") as AuthKey,
    dhKey: privateKey("x25519", r.short("DH key")),
    secret: r.short("secret"),
    code: r.short("code"),
    cronMinutes: r.u16("period"),
    cronSentAt: r.seconds("time"),
    seenDay: r.u32("day"),
  }
}

/** A subscription as it is stored: `association` is the relay's epoch in which it was associated, 0 if it was not. */
export interface StoredSubscription {
  readonly tokenId: EntityId
  readonly server: Server
  readonly notifierId: EntityId
  readonly notifierKey: NotifierKey
  readonly status: SubscriptionStatus
  readonly association: number
}

export function encodeSubscription(subscription: StoredSubscription): Uint8Array {
  const { tokenId, server, notifierId, notifierKey, status, association } = subscription
  return encodeWith((w) => {
    writeServer(w.u8(VERSION).short(tokenId), server)
    w.short(notifierId)
    writePrivateKey(w, notifierKey)
    w.short(utf8(formatSubscriptionStatus(status))).u32(association)
  }, 512)
}

export function decodeSubscription(stored: Uint8Array): StoredSubscription {
  const r = reader(stored)
  return {
    tokenId: r.short("token id"),
    server: readServer(r),
    notifierId: r.short("notifier id"),
    notifierKey: notifierKeyOf(r),
    status: parseSubscriptionStatus(fromUtf8(r.short("status"))),
    association: r.u32("association"),
  }
}

/** A relay as it is stored. Subscriptions are associated if they name the present epoch, so ending all is one write. */
export interface StoredRelay {
  readonly server: Server
  readonly serviceId: EntityId | undefined
  readonly certificate: { readonly der: Uint8Array; readonly key: Uint8Array } | undefined
  readonly epoch: number
  readonly count: number
  /** 16 bytes. */
  readonly hash: Uint8Array
  readonly total: number
  readonly up: boolean
}

export function encodeRelay(relay: StoredRelay): Uint8Array {
  const { server, serviceId, certificate, epoch, count, hash, total, up } = relay
  return encodeWith((w) => {
    writeServer(w.u8(VERSION), server)
    w.maybe(serviceId, (field, id) => field.short(id))
    w.maybe(certificate, (field, { der, key }) => field.large(der).short(key))
    w.u32(epoch).u32(count).short(hash).u32(total).bool(up)
  }, 1024)
}

export function decodeRelay(stored: Uint8Array): StoredRelay {
  const r = reader(stored)
  return {
    server: readServer(r),
    serviceId: r.maybe((field) => field.short("service id")),
    certificate: r.maybe((field) => ({ der: field.large("certificate"), key: field.short("certificate key") })),
    epoch: r.u32("epoch"),
    count: r.u32("count"),
    hash: r.short("hash"),
    total: r.u32("total"),
    up: r.bool("up"),
  }
}

/** The last notification of a queue. */
export interface StoredNotification {
  readonly sequence: number
  /** Unix seconds. */
  readonly time: number
  readonly nonce: Uint8Array
  readonly meta: Uint8Array
}

export function encodeNotification({ sequence, time, nonce, meta }: StoredNotification): Uint8Array {
  return encodeWith((w) => w.u8(VERSION).int64(sequence).int64(time).short(nonce).short(meta), 256)
}

export function decodeNotification(stored: Uint8Array): StoredNotification {
  const r = reader(stored)
  const sequence = r.seconds("sequence")
  return { sequence, time: r.seconds("time"), nonce: r.short("nonce"), meta: r.short("metadata") }
}

export function encodeNumber(value: number): Uint8Array {
  return encodeWith((w) => w.int64(value), 8)
}

export function decodeNumber(stored: Uint8Array | undefined): number {
  return stored === undefined ? 0 : new Reader(stored).seconds("number")
}

function reader(stored: Uint8Array): Reader {
  const r = new Reader(stored.slice())
  if (r.u8("version") !== VERSION) throw new DecodeError("stored record: of another version")
  return r
}

function notifierKeyOf(r: Reader): NotifierKey {
  const key = readPrivateKey(r)
  if (key.algorithm === "x448") throw new DecodeError("stored record: not a notifier key")
  return key
}
