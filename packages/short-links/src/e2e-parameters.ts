import { decodePublicKey, keyForPlace, publicKeyToString, readKey, writeKey, type X448Key } from "@sluice/crypto/keys"
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { DecodeError, EncodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import {
  formatVersionRange,
  parseVersionRange,
  readVersionRange,
  type VersionRange,
  writeVersionRange,
} from "@sluice/encoding/version"
import type { Writer } from "@sluice/encoding/writer"
import { parseQuery } from "./query.ts"

/** Bytes of a public key of the KEM, sntrup761. */
export const KEM_PUBLIC_KEY_SIZE = 1158
/** The first end-to-end version with a KEM. */
const KEM_VERSION = 3

/** What the publisher of an invitation proposes for the key agreement (ratchet.md §1). */
export interface E2eParameters {
  readonly versions: VersionRange
  /** The two X448 keys of X3DH, in their order. */
  readonly keys: readonly [X448Key, X448Key]
  /** Proposed public key of the KEM, 1158 bytes. */
  readonly kemKey?: Uint8Array | undefined
}

/** Binary form inside link data (short-links.md §4.1); here the KEM's tag stands in every version. */
export function readE2eParameters(r: Reader): E2eParameters {
  const versions = readVersionRange(r, "e2e versions")
  const keys = [readKey(r, "x448", "e2e key"), readKey(r, "x448", "e2e key")] as const
  return { versions, keys, kemKey: r.maybe(readProposedKey) }
}

/** Counterpart of {@link readE2eParameters}. */
export function writeE2eParameters(w: Writer, parameters: E2eParameters): void {
  writeVersionRange(w, parameters.versions)
  for (const key of parameters.keys) writeKey(w, key)
  w.maybe(parameters.kemKey, (to, key) => to.ascii("P").large(checkedKemKey(key)))
}

/** Reads the text form, `v=2-3&x3dh=<key>,<key>[&kem_key=<key>]`. Throws `DecodeError`. */
export function parseE2eParameters(text: string): E2eParameters {
  const query = parseQuery(text)
  const versions = parseVersionRange(query.get("v") ?? "")
  const [first, second, ...more] = (query.get("x3dh") ?? "").split(",").map(parseX448)
  if (first === undefined || second === undefined || more.length > 0) throw new DecodeError("e2e: not two keys")
  // An invitation can only propose: there is nothing yet that it could have accepted.
  if (query.has("kem_ct") && versions.max >= KEM_VERSION) throw new DecodeError("e2e: unexpected KEM state")
  const kem = versions.max < KEM_VERSION ? undefined : query.get("kem_key")
  return { versions, keys: [first, second], kemKey: kem === undefined ? undefined : parseKemKey(kem) }
}

/** The text form, not yet escaped for the query that it becomes a part of. */
export function formatE2eParameters(parameters: E2eParameters): string {
  const { versions, keys, kemKey } = parameters
  const text = `v=${formatVersionRange(versions)}&x3dh=${keys.map(publicKeyToString).join(",")}`
  const writesKem = kemKey !== undefined && versions.max >= KEM_VERSION
  return writesKem ? `${text}&kem_key=${encodeBase64Url(checkedKemKey(kemKey))}` : text
}

function parseX448(text: string): X448Key {
  return keyForPlace(decodePublicKey(decodeBase64Url(text)), "x448")
}

function parseKemKey(text: string): Uint8Array {
  const key = decodeBase64Url(text)
  if (key.length !== KEM_PUBLIC_KEY_SIZE) throw new DecodeError("e2e: wrong length of KEM key")
  return key
}

function readProposedKey(r: Reader): Uint8Array {
  if (r.u8("KEM state") !== "P".charCodeAt(0)) throw new DecodeError("e2e: unexpected KEM state")
  const key = r.large("KEM key")
  if (key.length !== KEM_PUBLIC_KEY_SIZE) throw new DecodeError("e2e: wrong length of KEM key")
  return key
}

function checkedKemKey(key: Uint8Array): Uint8Array {
  if (key.length !== KEM_PUBLIC_KEY_SIZE) throw new EncodeError("e2e: wrong length of KEM key")
  return key
}
