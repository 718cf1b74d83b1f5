import { decodePublicKey, keyForPlace, writeKey, type X448Key } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import { decodeWhole, type Reader } from "@sluice/encoding/reader"
import { readVersionRange, type Version, type VersionRange, writeVersionRange } from "@sluice/encoding/version"
import { encodeWith, type Writer } from "@sluice/encoding/writer"
import { type KemParams, type ProposedKem, readKemParams, writeKemParams } from "./kem-params.ts"
import { hasKem } from "./versions.ts"

/** Public keys for X3DH: the initiator's r1 and r2 or the joiner's s1 and s2. */
export interface X3dhKeys<K extends KemParams = KemParams> {
  readonly key1: X448Key
  readonly key2: X448Key
  readonly kem: K | undefined
}

/** Parameters of one version, in confirmations and ratchet-key messages (ratchet.md §1). */
export interface E2eParams extends X3dhKeys {
  readonly version: Version
}

/** Parameters of an invitation, for all versions that its maker speaks. Only a proposed KEM is allowed. */
export interface E2eInvitation extends X3dhKeys<ProposedKem> {
  readonly versions: VersionRange
}

/** `u16 version ‖ str8(SPKI k1) ‖ str8(SPKI k2) ‖ [maybe(KEM) from version 3]`: 140 to 2343 bytes. */
export function writeE2eParams(w: Writer, params: E2eParams): void {
  w.u16(params.version)
  writeKey(w, params.key1)
  writeKey(w, params.key2)
  if (hasKem(params.version)) w.maybe<KemParams>(params.kem, writeKemParams)
}

/** Reads what {@link writeE2eParams} wrote. Throws `DecodeError`; views on the input. */
export function readE2eParams(r: Reader): E2eParams {
  const version = r.u16("e2e version")
  const keys = readKeys(r)
  const kem = hasKem(version) ? r.maybe(readKemParams) : undefined
  return { version, ...keys, kem }
}

/** The whole of one piece of bytes. */
export function encodeE2eParams(params: E2eParams): Uint8Array {
  return encodeWith((w) => writeE2eParams(w, params))
}

/** Reads parameters that fill their input. Throws `DecodeError`. */
export function decodeE2eParams(bytes: Uint8Array): E2eParams {
  return decodeWhole(bytes, readE2eParams)
}

/**
 * The same parameters where only a proposed KEM is allowed, as in invitations. Throws `DecodeError` on an accepted one.
 */
export function requireProposed<P extends X3dhKeys>(params: P): P & X3dhKeys<ProposedKem> {
  if (params.kem?.type === "accepted") throw new DecodeError("e2e parameters: KEM accepted where none was proposed")
  return params as P & X3dhKeys<ProposedKem>
}

/** `u16 min ‖ u16 max ‖ str8(SPKI k1) ‖ str8(SPKI k2) ‖ maybe(KEM)`, as in link data (short-links.md §4.1). */
export function writeE2eInvitation(w: Writer, invitation: E2eInvitation): void {
  writeVersionRange(w, invitation.versions)
  writeKey(w, invitation.key1)
  writeKey(w, invitation.key2)
  w.maybe<KemParams>(invitation.kem, writeKemParams)
}

/** Reads what {@link writeE2eInvitation} wrote. Throws `DecodeError`; views on the input. */
export function readE2eInvitation(r: Reader): E2eInvitation {
  const versions = readVersionRange(r, "e2e versions")
  const keys = readKeys(r)
  return requireProposed({ versions, ...keys, kem: r.maybe(readKemParams) })
}

/** Two keys as DER, with the checks that all forms of the parameters share. Throws `DecodeError`. */
export function x3dhKeysFromDer(der1: Uint8Array, der2: Uint8Array): { key1: X448Key; key2: X448Key } {
  const [first, second] = [decodePublicKey(der1), decodePublicKey(der2)]
  if (first.algorithm !== second.algorithm) throw new DecodeError("e2e parameters: different key algorithms")
  return { key1: keyForPlace(first, "x448"), key2: keyForPlace(second, "x448") }
}

function readKeys(r: Reader): { key1: X448Key; key2: X448Key } {
  return x3dhKeysFromDer(r.short("e2e key 1"), r.short("e2e key 2"))
}
