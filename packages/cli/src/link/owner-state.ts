import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import { bytesToJson, jsonBytes, jsonText } from "@sluice/encoding/json"
import { formatShortLink, parseShortLink, type ShortLink } from "@sluice/short-links/short-link"
import type { EntityId } from "@sluice/smp-protocol/types"
import { readState, writeState } from "../queue/state-file.ts"
import { jsonEd25519Pair, keyToJson } from "../queue/state-keys.ts"
import { ofLink, type QueuePart, queueFields, readQueueFields } from "./queue-part.ts"

/** All that the owner of a short link keeps. The request names the link's server. */
export interface OwnerState extends QueuePart {
  readonly link: ShortLink
  /** 24 bytes; of a contact address it can be derived from the link. */
  readonly linkId: EntityId
  /** Signs the data of the link. */
  readonly rootKeys: KeyPair<"ed25519">
  /** The sealed fixed data: every update sends it again, unchanged. */
  readonly fixedBlob: Uint8Array
}

const KIND = "sluice link, owner"

/** Writes the state into a file of mode 0600. */
export function writeOwnerState(path: string, state: OwnerState): Promise<void> {
  return writeState(path, KIND, {
    link: formatShortLink(state.link),
    linkId: bytesToJson(state.linkId),
    ...queueFields(state),
    rootKey: keyToJson(state.rootKeys.privateKey),
    fixedBlob: bytesToJson(state.fixedBlob),
  })
}

/** Reads it back. Throws `OperatorError`. */
export function readOwnerState(c: CryptoBackend, path: string): Promise<OwnerState> {
  return readState(path, KIND, (fields) => ({
    ...readQueueFields(c, fields),
    link: ofLink(() => parseShortLink(jsonText(fields, "link"))),
    linkId: jsonBytes(fields, "linkId"),
    rootKeys: jsonEd25519Pair(c, fields, "rootKey"),
    fixedBlob: jsonBytes(fields, "fixedBlob"),
  }))
}
