import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair, PrivateKey } from "@sluice/crypto/keys"
import { privateKeyFromString } from "@sluice/crypto/keys"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { bytesToJson, type JsonObject, jsonBytes, jsonMaybe, jsonText } from "@sluice/encoding/json"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import { LinkError } from "@sluice/short-links/errors"
import { formatFullLink, parseFullLink } from "@sluice/short-links/full-link"
import { decodeProfile, encodeProfile, type LinkProfile } from "@sluice/short-links/profile"
import { formatShortLink, parseShortLink, type ShortLink } from "@sluice/short-links/short-link"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import type { EntityId } from "@sluice/smp-protocol/types"
import { readState, writeState } from "../queue/state-file.ts"
import { jsonEd25519Pair, jsonX25519Pair, keyToJson } from "../queue/state-keys.ts"

/** All that the owner of a link keeps. */
export interface OwnerState {
  readonly link: ShortLink
  /** 24 bytes; of a contact address it can be derived from the link. */
  readonly linkId: EntityId
  /** What the fixed data holds, with the link's server. */
  readonly request: ConnectionRequest
  readonly profile: LinkProfile
  readonly recipientId: EntityId
  readonly recipientKey: AuthPrivateKey
  /** Secret with the relay, 32 bytes. */
  readonly dhSecret: Uint8Array
  /** The end-to-end key of the queue; its public half is in the request. */
  readonly e2eKeys: KeyPair<"x25519">
  /** Signs the data of the link. */
  readonly rootKeys: KeyPair<"ed25519">
  /** The sealed fixed data: every update sends it again, unchanged. */
  readonly fixedBlob: Uint8Array
  /** An invitation's two keys of the key agreement; nobody can connect without them. */
  readonly ratchetKeys?: readonly [PrivateKey<"x448">, PrivateKey<"x448">] | undefined
}

const KIND = "sluice link, owner"

/** Writes the state into a file of mode 0600. */
export function writeOwnerState(path: string, state: OwnerState): Promise<void> {
  const [first, second] = state.ratchetKeys ?? []
  return writeState(path, KIND, {
    link: formatShortLink(state.link),
    linkId: bytesToJson(state.linkId),
    request: formatFullLink(state.request),
    profile: JSON.parse(fromUtf8(encodeProfile(state.profile))) as JsonObject,
    recipientId: bytesToJson(state.recipientId),
    recipientKey: keyToJson(state.recipientKey),
    dhSecret: bytesToJson(state.dhSecret),
    e2eKey: keyToJson(state.e2eKeys.privateKey),
    rootKey: keyToJson(state.rootKeys.privateKey),
    fixedBlob: bytesToJson(state.fixedBlob),
    ...(first && second ? { ratchetKey1: keyToJson(first), ratchetKey2: keyToJson(second) } : {}),
  })
}

/** Reads it back. Throws `OperatorError`. */
export function readOwnerState(c: CryptoBackend, path: string): Promise<OwnerState> {
  return readState(path, KIND, (fields) => ({
    link: ofLink(() => parseShortLink(jsonText(fields, "link"))),
    linkId: jsonBytes(fields, "linkId"),
    request: ofLink(() => parseFullLink(jsonText(fields, "request"))),
    profile: ofLink(() => decodeProfile(utf8(JSON.stringify(fields["profile"] ?? null)))),
    recipientId: jsonBytes(fields, "recipientId"),
    recipientKey: jsonEd25519Pair(c, fields, "recipientKey").privateKey,
    dhSecret: jsonBytes(fields, "dhSecret"),
    e2eKeys: jsonX25519Pair(c, fields, "e2eKey"),
    rootKeys: jsonEd25519Pair(c, fields, "rootKey"),
    fixedBlob: jsonBytes(fields, "fixedBlob"),
    ratchetKeys: ratchetKeys(fields),
  }))
}

/** A link in a state file that can not be read is a fault of the file. */
export function ofLink<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof LinkError) throw new DecodeError("state: not a link")
    throw error
  }
}

function ratchetKeys(fields: JsonObject): OwnerState["ratchetKeys"] {
  const first = jsonMaybe(fields, "ratchetKey1", jsonX448)
  const second = jsonMaybe(fields, "ratchetKey2", jsonX448)
  return first && second && [first, second]
}

function jsonX448(fields: JsonObject, name: string): PrivateKey<"x448"> {
  const key = privateKeyFromString(jsonText(fields, name))
  if (key.algorithm !== "x448") throw new DecodeError(`${name}: not an X448 key`)
  return key
}
