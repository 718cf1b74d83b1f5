import type { CryptoBackend } from "@sluice/crypto/backend"
import { type KeyPair, type PrivateKey, privateKeyFromString } from "@sluice/crypto/keys"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { bytesToJson, type JsonObject, jsonBytes, jsonMaybe, jsonText } from "@sluice/encoding/json"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import { LinkError } from "@sluice/short-links/errors"
import { formatFullLink, parseFullLink } from "@sluice/short-links/full-link"
import { decodeProfile, encodeProfile, type LinkProfile } from "@sluice/short-links/profile"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import type { EntityId } from "@sluice/smp-protocol/types"
import { jsonEd25519Pair, jsonX25519Pair, keyToJson } from "../queue/state-keys.ts"

/** What the owner of any link keeps of the queue behind it, and of what the link shows. */
export interface QueuePart {
  readonly request: ConnectionRequest
  readonly profile: LinkProfile
  readonly recipientId: EntityId
  readonly recipientKey: AuthPrivateKey
  /** Secret with the relay, 32 bytes. */
  readonly dhSecret: Uint8Array
  /** The end-to-end key of the queue; its public half is in the request. */
  readonly e2eKeys: KeyPair<"x25519">
  /** An invitation's two keys of the key agreement; nobody can connect without them. */
  readonly ratchetKeys?: RatchetKeys | undefined
}

export type RatchetKeys = readonly [PrivateKey<"x448">, PrivateKey<"x448">]

/** Its fields of a state file. */
export function queueFields(part: QueuePart): JsonObject {
  const [first, second] = part.ratchetKeys ?? []
  return {
    request: formatFullLink(part.request),
    profile: JSON.parse(fromUtf8(encodeProfile(part.profile))) as JsonObject,
    recipientId: bytesToJson(part.recipientId),
    recipientKey: keyToJson(part.recipientKey),
    dhSecret: bytesToJson(part.dhSecret),
    e2eKey: keyToJson(part.e2eKeys.privateKey),
    ...(first && second ? { ratchetKey1: keyToJson(first), ratchetKey2: keyToJson(second) } : {}),
  }
}

/** Reads them back. Throws `DecodeError`. */
export function readQueueFields(c: CryptoBackend, fields: JsonObject): QueuePart {
  return {
    request: ofLink(() => parseFullLink(jsonText(fields, "request"))),
    profile: ofLink(() => decodeProfile(utf8(JSON.stringify(fields["profile"] ?? null)))),
    recipientId: jsonBytes(fields, "recipientId"),
    recipientKey: jsonEd25519Pair(c, fields, "recipientKey").privateKey,
    dhSecret: jsonBytes(fields, "dhSecret"),
    e2eKeys: jsonX25519Pair(c, fields, "e2eKey"),
    ratchetKeys: ratchetKeys(fields),
  }
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

function ratchetKeys(fields: JsonObject): RatchetKeys | undefined {
  const first = jsonMaybe(fields, "ratchetKey1", jsonX448)
  const second = jsonMaybe(fields, "ratchetKey2", jsonX448)
  return first && second && [first, second]
}

function jsonX448(fields: JsonObject, name: string): PrivateKey<"x448"> {
  const key = privateKeyFromString(jsonText(fields, name))
  if (key.algorithm !== "x448") throw new DecodeError(`${name}: not an X448 key`)
  return key
}
