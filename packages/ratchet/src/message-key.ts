import { concatBytes } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import { pad } from "@sluice/encoding/padding"
import { decodeWhole } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { encodeWith } from "@sluice/encoding/writer"
import { RatchetError } from "./errors.ts"
import { encodePacket } from "./header.ts"
import type { RatchetCrypto } from "./primitives.ts"

/** Everything to encrypt the body of one message, so that it can be done when the message is delivered. */
export interface MessageKeyMaterial {
  readonly version: Version
  /** 112 bytes. */
  readonly associatedData: Uint8Array
  /** 32 bytes. */
  readonly messageKey: Uint8Array
  /** 16 bytes. */
  readonly iv: Uint8Array
  /** The encrypted header, 123 to 2346 bytes. */
  readonly encHeader: Uint8Array
}

/**
 * The second half of encryption: the packet of a message padded to `paddedLength` bytes. Deterministic, so that a message
 * sent again is the same bytes; a key must never be used for two different messages. Throws `RatchetError`
 * "LARGE_MESSAGE".
 */
export function encryptBody(
  c: RatchetCrypto,
  key: MessageKeyMaterial,
  message: Uint8Array,
  paddedLength: number,
): Uint8Array {
  const associated = concatBytes(key.associatedData, key.encHeader)
  const { tag, body } = c.crypto.aesGcmEncrypt(key.messageKey, key.iv, associated, padded(message, paddedLength))
  return encodePacket(key.version, key.encHeader, tag, body)
}

/** For one's own storage, 287 to 2511 bytes. Contains the message key. */
export function encodeMessageKey(key: MessageKeyMaterial): Uint8Array {
  return encodeWith((w) =>
    w.u16(key.version).short(key.associatedData).raw(key.messageKey).raw(key.iv).large(key.encHeader),
  )
}

/** Reads what {@link encodeMessageKey} wrote. Throws `DecodeError`; views on the input. */
export function decodeMessageKey(bytes: Uint8Array): MessageKeyMaterial {
  return decodeWhole(bytes, (r) => ({
    version: r.u16("version"),
    associatedData: r.short("associated data"),
    messageKey: r.take(32, "message key"),
    iv: r.take(16, "IV"),
    encHeader: r.large("encrypted header"),
  }))
}

function padded(message: Uint8Array, length: number): Uint8Array {
  try {
    return pad(message, length)
  } catch (error) {
    if (error instanceof EncodeError) throw new RatchetError({ code: "LARGE_MESSAGE" })
    throw error
  }
}
