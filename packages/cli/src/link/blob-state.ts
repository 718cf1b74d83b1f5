import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import { jsonText } from "@sluice/encoding/json"
import { type BlobLink, formatBlobLink, looksLikeBlobLink, parseBlobLink } from "@sluice/short-links/blob-link"
import { readState, readText, writeState } from "../queue/state-file.ts"
import { jsonEd25519Pair, keyToJson } from "../queue/state-keys.ts"
import { linkIn } from "./link-argument.ts"
import { ofLink, type QueuePart, queueFields, readQueueFields } from "./queue-part.ts"

/** All that the owner of a link to a blob keeps (docs/blob-links.md). */
export interface BlobState extends QueuePart {
  readonly link: BlobLink
  /** Writes and removes the blob. */
  readonly ownerKeys: KeyPair<"ed25519">
}

const KIND = "sluice link, blob"

/** Whether a file of an owner is one of a link to a blob, rather than of a short link. Throws `OperatorError`. */
export async function isBlobState(path: string): Promise<boolean> {
  return looksLikeBlobLink(linkIn(await readText(path)))
}

/** Writes the state into a file of mode 0600. */
export function writeBlobState(path: string, state: BlobState): Promise<void> {
  return writeState(path, KIND, {
    link: formatBlobLink(state.link),
    ...queueFields(state),
    ownerKey: keyToJson(state.ownerKeys.privateKey),
  })
}

/** Reads it back. Throws `OperatorError`. */
export function readBlobState(c: CryptoBackend, path: string): Promise<BlobState> {
  return readState(path, KIND, (fields) => ({
    ...readQueueFields(c, fields),
    link: ofLink(() => parseBlobLink(jsonText(fields, "link"))),
    ownerKeys: jsonEd25519Pair(c, fields, "ownerKey"),
  }))
}
