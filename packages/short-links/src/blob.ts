import { type CryptoBackend, NONCE_SIZE, TAG_SIZE } from "@sluice/crypto/backend"
import { openPadded, sealPadded } from "@sluice/crypto/box"
import { PAD_PREFIX } from "@sluice/encoding/padding"
import { LinkError } from "./errors.ts"

/** A part of link data that has a blob of its own. */
export type DataPart = "fixed" | "user"

/** Bytes of each blob as the server stores it (short-links.md §4.3). */
export const BLOB_SIZES: Readonly<Record<DataPart, number>> = { fixed: 2048, user: 13_824 }

/** Most bytes of a signed part that fit its blob. */
export function maxSignedPart(part: DataPart): number {
  return paddedSize(part) - PAD_PREFIX
}

function paddedSize(part: DataPart): number {
  return BLOB_SIZES[part] - NONCE_SIZE - TAG_SIZE
}

/** `nonce ‖ box` of a signed part with the 32-byte blob key. Throws `LinkError` "TOO_LARGE". */
export function sealBlob(
  c: CryptoBackend,
  blobKey: Uint8Array,
  part: DataPart,
  signed: Uint8Array,
  nonce: Uint8Array = c.randomBytes(NONCE_SIZE),
): Uint8Array {
  if (signed.length > maxSignedPart(part)) throw new LinkError({ code: "TOO_LARGE", part })
  const blob = new Uint8Array(BLOB_SIZES[part])
  blob.set(nonce)
  sealPadded(c, c.boxKey(blobKey), nonce, signed, paddedSize(part), blob.subarray(NONCE_SIZE))
  return blob
}

/** The signed part inside a blob of any size. Throws `LinkError` "MALFORMED" without a nonce, else "DECRYPT". */
export function openBlob(c: CryptoBackend, blobKey: Uint8Array, part: DataPart, blob: Uint8Array): Uint8Array {
  if (blob.length < NONCE_SIZE) throw new LinkError({ code: "MALFORMED", part })
  const signed = openPadded(c, c.boxKey(blobKey), blob.subarray(0, NONCE_SIZE), blob.subarray(NONCE_SIZE))
  if (signed === undefined) throw new LinkError({ code: "DECRYPT", part })
  return signed
}
