import { readKey, writeKey, type X448Key } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import { pad, unpad } from "@sluice/encoding/padding"
import { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { encodeWith, Writer } from "@sluice/encoding/writer"
import { RatchetError } from "./errors.ts"
import { type KemParams, readKemParams, writeKemParams } from "./kem-params.ts"
import type { RatchetCrypto } from "./primitives.ts"
import { hasKem } from "./versions.ts"

/** What the header of a message says (ratchet.md §4). */
export interface MessageHeader {
  /** The highest version that the sender offers. */
  readonly maxVersion: Version
  /** The sender's ratchet key. */
  readonly dh: X448Key
  readonly kem: KemParams | undefined
  /** PN: messages in the sender's previous chain. */
  readonly previousCount: number
  /** Ns: number of this message in its chain. */
  readonly number: number
}

const IV_SIZE = 16
const TAG_SIZE = 16
/** Bytes of a header before encryption, padding included. */
const PADDED_SMALL = 88
const PADDED_LARGE = 2310
/** A first length byte below this is the high byte of two; one-byte lengths are always larger. */
const FIRST_OF_ONE = 32

/** Bytes of a padded header: 2310 from version 3 where the KEM is supported, otherwise 88. */
export function paddedHeaderLength(version: Version, supportKem: boolean): number {
  return hasKem(version) && supportKem ? PADDED_LARGE : PADDED_SMALL
}

/** Bytes that a packet is longer than its padded body. `version` and `supportKem` are those of the sender's ratchet. */
export function packetOverhead(version: Version, supportKem: boolean): number {
  const prefix = hasKem(version) ? 2 : 1
  const encrypted = 2 + IV_SIZE + TAG_SIZE + prefix + paddedHeaderLength(version, supportKem)
  return prefix + encrypted + TAG_SIZE
}

/** `u16 max version ‖ str8(SPKI) ‖ [maybe(KEM) from version 3] ‖ u32 PN ‖ u32 Ns`: 79 to 2282 bytes. */
export function encodeHeader(header: MessageHeader, version: Version): Uint8Array {
  return encodeWith((w) => {
    w.u16(header.maxVersion)
    writeKey(w, header.dh)
    if (hasKem(version)) w.maybe<KemParams>(header.kem, writeKemParams)
    w.u32(header.previousCount).u32(header.number)
  })
}

/** Reads a header of this version; what follows it is ignored. Throws `DecodeError`; views on the input. */
export function decodeHeader(bytes: Uint8Array, version: Version): MessageHeader {
  const r = new Reader(bytes)
  const maxVersion = r.u16("max version")
  const dh = readKey(r, "x448", "ratchet key")
  const kem = hasKem(version) ? r.maybe(readKemParams) : undefined
  return { maxVersion, dh, kem, previousCount: r.u32("previous count"), number: r.u32("message number") }
}

/** `u16 version ‖ IV 16 ‖ tag 16 ‖ L(encrypted header)`; it is also associated data of the body. */
export function sealHeader(
  c: RatchetCrypto,
  header: Uint8Array,
  keys: { readonly headerKey: Uint8Array; readonly iv: Uint8Array; readonly associatedData: Uint8Array },
  version: Version,
  supportKem: boolean,
): Uint8Array {
  const padded = pad(header, paddedHeaderLength(version, supportKem))
  const { tag, body } = c.crypto.aesGcmEncrypt(keys.headerKey, keys.iv, keys.associatedData, padded)
  return encodeWith((w) => writeLength(w.u16(version).raw(keys.iv).raw(tag), body, version))
}

/** The parts of a packet, still encrypted. */
export interface Packet {
  /** All of the encrypted header, as the body's associated data needs it. */
  readonly encHeader: Uint8Array
  readonly version: Version
  readonly headerIv: Uint8Array
  readonly headerTag: Uint8Array
  readonly headerBody: Uint8Array
  readonly tag: Uint8Array
  readonly body: Uint8Array
}

/** `L(encrypted header) ‖ tag 16 ‖ body`. */
export function encodePacket(version: Version, encHeader: Uint8Array, tag: Uint8Array, body: Uint8Array): Uint8Array {
  const w = new Writer(new Uint8Array((hasKem(version) ? 2 : 1) + encHeader.length + tag.length + body.length))
  return writeLength(w, encHeader, version).raw(tag).raw(body).finish()
}

/** Takes a packet apart. Throws `RatchetError` "HEADER_SYNTAX"; views on the input. */
export function decodePacket(bytes: Uint8Array): Packet {
  return orSyntaxError(() => {
    const r = new Reader(bytes)
    const encHeader = readLength(r, "encrypted header")
    const tag = r.take(TAG_SIZE, "tag")
    const body = r.tail()
    const h = new Reader(encHeader)
    const version = h.u16("version")
    const headerIv = h.take(IV_SIZE, "header IV")
    const headerTag = h.take(TAG_SIZE, "header tag")
    const headerBody = readLength(h, "header")
    h.end()
    return { encHeader, version, headerIv, headerTag, headerBody, tag, body }
  })
}

/**
 * The header, if this key opens it: otherwise `undefined`. Throws `RatchetError` "HEADER_SYNTAX" when it opens but is no
 * header.
 */
export function openHeader(
  c: RatchetCrypto,
  headerKey: Uint8Array,
  associatedData: Uint8Array,
  packet: Packet,
): MessageHeader | undefined {
  const { version, headerIv, headerTag, headerBody } = packet
  const padded = c.crypto.aesGcmDecrypt(headerKey, headerIv, associatedData, headerTag, headerBody)
  if (padded === undefined) return undefined
  const header = unpadded(padded)
  return header && orSyntaxError(() => decodeHeader(header, version))
}

/** The content of a padded block, `undefined` if it is none. */
export function unpadded(block: Uint8Array): Uint8Array | undefined {
  try {
    return unpad(block)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

function writeLength(w: Writer, bytes: Uint8Array, version: Version): Writer {
  return hasKem(version) ? w.large(bytes) : w.short(bytes)
}

/** Both lengths are taken whatever the version, which may rise in the middle of a conversation. */
function readLength(r: Reader, field: string): Uint8Array {
  const first = r.peek()
  return first !== undefined && first < FIRST_OF_ONE ? r.large(field) : r.short(field)
}

function orSyntaxError<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DecodeError) throw new RatchetError({ code: "HEADER_SYNTAX" })
    throw error
  }
}
