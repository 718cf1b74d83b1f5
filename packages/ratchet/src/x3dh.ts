import type { PublicKey } from "@sluice/crypto/keys"
import { concatBytes } from "@sluice/encoding/bytes"
import type { X3dhKeys } from "./e2e-params.ts"
import { RatchetError } from "./errors.ts"
import type { OwnKeys } from "./keys.ts"
import { type RatchetCrypto, sharedSecret } from "./primitives.ts"
import type { AcceptedState } from "./state.ts"

/** What both sides of X3DH end up with (ratchet.md §2). */
export interface X3dhSecrets {
  /** raw s1 ‖ raw r1, 112 bytes; its SHA-256 is the code that users may compare. */
  readonly associatedData: Uint8Array
  /** First root key, 32 bytes. */
  readonly rootKey: Uint8Array
  /** 32 bytes: encrypts the joiner's first headers. */
  readonly headerKey: Uint8Array
  /** 32 bytes: encrypts the initiator's first headers. */
  readonly nextHeaderKey: Uint8Array
  /** The KEM's part, if it was accepted. */
  readonly accepted: AcceptedState | undefined
}

const NO_SALT = new Uint8Array(64)
const INFO = "SimpleXX3DH"

/**
 * X3DH as the party that replies. Throws `RatchetError` "KEM_STATE" when own keys accept a KEM key that the peer has not
 * offered, and "LOW_ORDER_KEY".
 */
export function x3dhJoiner(c: RatchetCrypto, own: OwnKeys, peer: X3dhKeys): X3dhSecrets {
  const { key1, key2 } = own
  const dh = concatBytes(
    sharedSecret(c, key2.privateKey, peer.key1),
    sharedSecret(c, key1.privateKey, peer.key2),
    sharedSecret(c, key2.privateKey, peer.key2),
  )
  return derive(c, key1.publicKey, peer.key1, dh, joinerAccepted(own, peer))
}

function joinerAccepted({ kem }: OwnKeys, peer: X3dhKeys): AcceptedState | undefined {
  if (kem?.accepted === undefined) return undefined
  if (peer.kem?.type !== "proposed") throw new RatchetError({ code: "KEM_STATE" })
  return { peerKey: peer.kem.publicKey.slice(), ...kem.accepted }
}

/**
 * X3DH as the party that invited. Throws `RatchetError` "KEM_STATE" when the peer accepts a KEM key that was not
 * offered, and "LOW_ORDER_KEY".
 */
export function x3dhInitiator(c: RatchetCrypto, own: OwnKeys, peer: X3dhKeys): X3dhSecrets {
  const { key1, key2 } = own
  const dh = concatBytes(
    sharedSecret(c, key1.privateKey, peer.key2),
    sharedSecret(c, key2.privateKey, peer.key1),
    sharedSecret(c, key2.privateKey, peer.key2),
  )
  return derive(c, peer.key1, key1.publicKey, dh, initiatorAccepted(c, own, peer))
}

function initiatorAccepted(c: RatchetCrypto, own: OwnKeys, peer: X3dhKeys): AcceptedState | undefined {
  if (peer.kem?.type !== "accepted") return undefined
  if (own.kem === undefined) throw new RatchetError({ code: "KEM_STATE" })
  // Copies: the state outlives the message that these are views on.
  const [ciphertext, peerKey] = [peer.kem.ciphertext.slice(), peer.kem.publicKey.slice()]
  return { peerKey, ciphertext, sharedSecret: c.kem.decapsulate(own.kem.pair.secretKey, ciphertext) }
}

function derive(
  c: RatchetCrypto,
  joinerKey: PublicKey<"x448">,
  initiatorKey: PublicKey<"x448">,
  dh: Uint8Array,
  accepted: AcceptedState | undefined,
): X3dhSecrets {
  const secret = accepted === undefined ? dh : concatBytes(dh, accepted.sharedSecret)
  const keys = c.crypto.hkdf(NO_SALT, secret, INFO, 96)
  return {
    associatedData: concatBytes(joinerKey.raw, initiatorKey.raw),
    headerKey: keys.slice(0, 32),
    nextHeaderKey: keys.slice(32, 64),
    rootKey: keys.slice(64, 96),
    accepted,
  }
}

/** SHA-256 of the associated data, 32 bytes: equal on both sides unless somebody is in between. */
export function securityCode(c: RatchetCrypto, associatedData: Uint8Array): Uint8Array {
  return c.crypto.sha256(associatedData)
}
