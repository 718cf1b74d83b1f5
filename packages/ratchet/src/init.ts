import { type KeyPair, publicKey } from "@sluice/crypto/keys"
import type { Version } from "@sluice/encoding/version"
import type { E2eParams, X3dhKeys } from "./e2e-params.ts"
import { rootStep } from "./kdf.ts"
import type { OwnKeys } from "./keys.ts"
import type { RatchetCrypto } from "./primitives.ts"
import type { Ratchet } from "./state.ts"
import { x3dhInitiator, x3dhJoiner } from "./x3dh.ts"

/** `current` is what both parties agreed on, `max` the highest that this side speaks. */
export interface RatchetVersions {
  readonly current: Version
  readonly max: Version
}

/**
 * The ratchet of the party that sends first. `peer` holds the parameters of the invitation (or, when re-synchronizing,
 * of the peer's ratchet-key message), `own` what {@link joinerKeys} or {@link proposeKeys} made. `dh` is the first
 * ratchet key, new unless given. Throws `RatchetError` "KEM_STATE" or "LOW_ORDER_KEY".
 */
export function joinRatchet(
  c: RatchetCrypto,
  own: OwnKeys,
  peer: X3dhKeys,
  versions: RatchetVersions,
  dh: KeyPair<"x448"> = c.crypto.generateKeyPair("x448"),
): Ratchet {
  const { associatedData, rootKey, headerKey, nextHeaderKey, accepted } = x3dhJoiner(c, own, peer)
  const root = rootStep(c, rootKey, peer.key2, dh.privateKey, accepted?.sharedSecret)
  const pq = own.kem !== undefined
  return {
    version: versions,
    associatedData,
    dh,
    kem: own.kem && { pair: own.kem.pair, accepted },
    supportKem: pq,
    enableKem: pq,
    sendingKem: accepted !== undefined,
    receivingKem: false,
    rootKey: root.rootKey,
    sending: { peerKey: publicKey("x448", peer.key2.raw.slice()), chainKey: root.chainKey, headerKey },
    receiving: undefined,
    sentCount: 0,
    receivedCount: 0,
    previousCount: 0,
    nextSendingHeaderKey: root.nextHeaderKey,
    nextReceivingHeaderKey: nextHeaderKey,
  }
}

/**
 * The ratchet of the party that receives first. `own` are the keys of its invitation, `peer` the parameters that came
 * back and whose version is the agreed one, `max` the highest version that this side speaks, `pq` whether the connection
 * supports PQ. It cannot encrypt before it has decrypted a message. Throws `RatchetError` "KEM_STATE" or "LOW_ORDER_KEY".
 */
export function acceptRatchet(c: RatchetCrypto, own: OwnKeys, peer: E2eParams, max: Version, pq: boolean): Ratchet {
  const { associatedData, rootKey, headerKey, nextHeaderKey, accepted } = x3dhInitiator(c, own, peer)
  return {
    version: { current: peer.version, max },
    associatedData,
    dh: own.key2,
    kem: own.kem && accepted && { pair: own.kem.pair, accepted },
    supportKem: pq,
    enableKem: pq,
    sendingKem: false,
    receivingKem: false,
    rootKey,
    sending: undefined,
    receiving: undefined,
    sentCount: 0,
    receivedCount: 0,
    previousCount: 0,
    nextSendingHeaderKey: nextHeaderKey,
    nextReceivingHeaderKey: headerKey,
  }
}
