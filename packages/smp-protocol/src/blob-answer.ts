import type { BoxKey, CryptoBackend } from "@sluice/crypto/backend"
import { cbNonce } from "@sluice/crypto/box"
import type { CorrId } from "./types.ts"

/*
 * Blobs of the network's first design for short links, an option of this implementation (docs/blob-links.md). A server
 * keeps them under the hash of a key; whoever has that key may read them.
 */

/** Bytes of every blob on the wire and in stores: what fits into a message. */
export const BLOB_LENGTH = 16_048
/** Bytes of a blob's ID, the SHA-256 of its reader's public key, and of that key. */
export const BLOB_ID_LENGTH = 32
/** Bytes of the box that answers `READ`. */
export const BLOB_ANSWER_LENGTH = 16_064

/** The ID under which the owner of a blob writes it; `readerKey` is the raw X25519 key, 32 bytes. */
export function blobIdOf(c: CryptoBackend, readerKey: Uint8Array): Uint8Array {
  return c.sha256(readerKey)
}

/**
 * The box of the answer to `READ`, so that what leaves the server shares no bytes with what was written. `key` is the box
 * key of the reader's key and the server's session key; the nonce is the correlation ID. Not padded: all blobs are of one
 * length.
 */
export function sealBlobAnswer(c: CryptoBackend, key: BoxKey, corrId: CorrId, blob: Uint8Array): Uint8Array {
  return c.seal(key, cbNonce(corrId), blob)
}

/** The blob in an answer to `READ`, or `undefined` if the box is not for this key and command. */
export function openBlobAnswer(c: CryptoBackend, key: BoxKey, corrId: CorrId, box: Uint8Array): Uint8Array | undefined {
  return c.open(key, cbNonce(corrId), box)
}
