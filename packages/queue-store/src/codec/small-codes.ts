import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"
import type { LinkData, NewNotification, ServiceRecord, ServiceRole, ServiceTotals } from "../records.ts"
import { copyOf } from "./copy.ts"
import { readU40, readU48, writeU40, writeU48 } from "./numbers.ts"

/** Stored forms of everything that is small or simple. All start with a version byte and are read into own memory. */
const VERSION = 1

const ROLES: readonly ServiceRole[] = ["M", "N", "P"]

/** Link data: u8 version, u16-prefixed fixed data, u16-prefixed user data. */
export function encodeLinkData(data: LinkData): Uint8Array {
  const w = new Writer(5 + data.fixedData.length + data.userData.length)
  return w.u8(VERSION).large(data.fixedData).large(data.userData).finish()
}

export function decodeLinkData(stored: Uint8Array): LinkData {
  const r = readerOf(stored)
  const data: LinkData = { fixedData: r.large("fixed data"), userData: r.large("user data") }
  r.end()
  return data
}

/** Notification: u8 version, u40 time, u8-prefixed nonce, metadata to the end; 175 bytes. */
export function encodeNotification(notification: NewNotification): Uint8Array {
  const { nonce, encryptedMetadata } = notification
  const time = new Uint8Array(5)
  writeU40(time, 0, notification.timestamp)
  return new Writer(7 + nonce.length + encryptedMetadata.length)
    .u8(VERSION)
    .raw(time)
    .short(nonce)
    .raw(encryptedMetadata)
    .finish()
}

export function decodeNotification(stored: Uint8Array): NewNotification {
  const r = readerOf(stored)
  const timestamp = readU40(r.take(5, "time"), 0)
  return { timestamp, nonce: r.short("nonce"), encryptedMetadata: r.tail() }
}

/** Service: u8 version, u8 role, 32 fingerprint, u40 creation, u8 count and u16-prefixed certificates. */
export function encodeService(service: ServiceRecord): Uint8Array {
  const created = new Uint8Array(5)
  writeU40(created, 0, service.createdAt)
  const w = new Writer(1024).u8(VERSION).u8(ROLES.indexOf(service.role)).raw(service.fingerprint).raw(created)
  w.u8(service.certificates.length)
  for (const certificate of service.certificates) w.large(certificate)
  return w.finish()
}

export function decodeService(serviceId: Uint8Array, stored: Uint8Array): ServiceRecord {
  const r = readerOf(stored)
  const role = ROLES[r.u8("role")]
  if (role === undefined) throw new DecodeError("service: unknown role")
  const fingerprint = r.take(32, "fingerprint")
  const createdAt = readU40(r.take(5, "creation"), 0)
  const certificates = Array.from({ length: r.u8("certificates") }, () => r.large("certificate"))
  r.end()
  return { serviceId: copyOf(serviceId), role, fingerprint, certificates, createdAt }
}

/** Totals: u8 version, u48 count, 16 hash. */
export function encodeTotals(totals: ServiceTotals): Uint8Array {
  const stored = new Uint8Array(23)
  stored[0] = VERSION
  writeU48(stored, 1, totals.count)
  stored.set(totals.idsHash, 7)
  return stored
}

export function decodeTotals(stored: Uint8Array | undefined): ServiceTotals {
  if (stored === undefined) return { count: 0, idsHash: new Uint8Array(16) }
  const r = readerOf(stored)
  const totals: ServiceTotals = { count: readU48(r.take(6, "count"), 0), idsHash: r.take(16, "hash") }
  r.end()
  return totals
}

function readerOf(stored: Uint8Array): Reader {
  const r = new Reader(copyOf(stored))
  if (r.u8("version") !== VERSION) throw new DecodeError("entry: unknown version")
  return r
}
