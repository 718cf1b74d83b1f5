import type { KemKeyPair } from "@sluice/crypto/kem"
import type { KeyPair } from "@sluice/crypto/keys"
import type { Version, VersionRange } from "@sluice/encoding/version"
import type { E2eInvitation, E2eParams, X3dhKeys } from "./e2e-params.ts"
import { RatchetError } from "./errors.ts"
import type { KemParams, ProposedKem } from "./kem-params.ts"
import type { RatchetCrypto } from "./primitives.ts"
import { hasKem } from "./versions.ts"

/** The KEM half of one's own X3DH keys: a key that is offered, and when accepting what the peer's key gave. */
export interface OwnKem {
  readonly pair: KemKeyPair
  readonly accepted: { readonly ciphertext: Uint8Array; readonly sharedSecret: Uint8Array } | undefined
}

/**
 * One's own private X3DH keys: r1, r2 of the initiator or s1, s2 of the joiner. To be kept until the ratchet exists, and
 * for a joiner to repeat the same confirmation; then deleted (ratchet.md §9).
 */
export interface OwnKeys {
  readonly key1: KeyPair<"x448">
  readonly key2: KeyPair<"x448">
  readonly kem: OwnKem | undefined
}

/** New keys that propose a KEM if `pq`: for invitations and for re-synchronization. */
export function proposeKeys(c: RatchetCrypto, pq: boolean): OwnKeys {
  return {
    key1: c.crypto.generateKeyPair("x448"),
    key2: c.crypto.generateKeyPair("x448"),
    kem: pq ? { pair: c.kem.generateKeyPair(), accepted: undefined } : undefined,
  }
}

/**
 * New keys of a joiner. With `pq` and an agreed `version` of 3 or more, the KEM key of the invitation is accepted, or one
 * proposed where it has none.
 */
export function joinerKeys(c: RatchetCrypto, invitation: X3dhKeys, version: Version, pq: boolean): OwnKeys {
  const keys = proposeKeys(c, pq && hasKem(version))
  if (keys.kem === undefined || invitation.kem === undefined) return keys
  return { ...keys, kem: { ...keys.kem, accepted: c.kem.encapsulate(invitation.kem.publicKey) } }
}

/** The public parameters of own keys, for a confirmation or a ratchet-key message of this version. */
export function publicParams(keys: OwnKeys, version: Version): E2eParams {
  return { version, key1: keys.key1.publicKey, key2: keys.key2.publicKey, kem: kemParams(keys.kem) }
}

/** The public parameters of own keys for an invitation. Throws `RatchetError` "KEM_STATE" if they accept a KEM. */
export function publicInvitation(keys: OwnKeys, versions: VersionRange): E2eInvitation {
  const kem = kemParams(keys.kem)
  if (kem?.type === "accepted") throw new RatchetError({ code: "KEM_STATE" })
  return { versions, key1: keys.key1.publicKey, key2: keys.key2.publicKey, kem: kem satisfies ProposedKem | undefined }
}

function kemParams(kem: OwnKem | undefined): KemParams | undefined {
  if (kem === undefined) return undefined
  const { publicKey } = kem.pair
  if (kem.accepted === undefined) return { type: "proposed", publicKey }
  return { type: "accepted", ciphertext: kem.accepted.ciphertext, publicKey }
}
