import { publicKey } from "@sluice/crypto/keys"
import { RatchetError } from "./errors.ts"
import type { MessageHeader } from "./header.ts"
import { rootStep } from "./kdf.ts"
import type { RatchetCrypto } from "./primitives.ts"
import type { KemState, Ratchet } from "./state.ts"
import { hasKem } from "./versions.ts"

/**
 * The ratchet step that a new key in a header makes (ratchet.md §7): a receiving chain with the own key so far, then a
 * sending chain with a new one. Needs randomness: a DH key, and with the KEM a key pair and a secret. Throws
 * `RatchetError` "KEM_STATE" or "LOW_ORDER_KEY".
 */
export function advance(c: RatchetCrypto, state: Ratchet, header: MessageHeader): Ratchet {
  const { received, sent, kem } = kemStep(c, state, header)
  const receiving = rootStep(c, state.rootKey, header.dh, state.dh.privateKey, received)
  const dh = c.crypto.generateKeyPair("x448")
  const sending = rootStep(c, receiving.rootKey, header.dh, dh.privateKey, sent)
  const enableKem = sent !== undefined || received !== undefined || kem !== undefined
  return {
    ...state,
    dh,
    kem,
    supportKem: state.supportKem || (hasKem(state.version.current) && enableKem),
    enableKem,
    sendingKem: sent !== undefined,
    receivingKem: received !== undefined,
    rootKey: sending.rootKey,
    // The header's views end here, since the packet that they belong to is not kept.
    sending: {
      peerKey: publicKey("x448", header.dh.raw.slice()),
      chainKey: sending.chainKey,
      headerKey: state.nextSendingHeaderKey,
    },
    receiving: { chainKey: receiving.chainKey, headerKey: state.nextReceivingHeaderKey },
    previousCount: state.sentCount,
    sentCount: 0,
    receivedCount: 0,
    nextSendingHeaderKey: sending.nextHeaderKey,
    nextReceivingHeaderKey: receiving.nextHeaderKey,
  }
}

interface KemStep {
  /** KEM secret of the receiving root step. */
  readonly received: Uint8Array | undefined
  /** KEM secret of the sending root step. */
  readonly sent: Uint8Array | undefined
  readonly kem: KemState | undefined
}

const NO_KEM: KemStep = { received: undefined, sent: undefined, kem: undefined }

function kemStep(c: RatchetCrypto, state: Ratchet, { kem }: MessageHeader): KemStep {
  const wanted = state.enableKem && hasKem(state.version.current)
  if (kem === undefined) {
    // Whoever has proposed already and gets nothing back was refused.
    if (!wanted || state.kem !== undefined) return NO_KEM
    return { ...NO_KEM, kem: { pair: c.kem.generateKeyPair(), accepted: undefined } }
  }
  const received = kem.type === "accepted" ? decapsulate(c, state.kem, kem.ciphertext) : undefined
  if (!wanted) return { ...NO_KEM, received }
  const peerKey = kem.publicKey.slice()
  const { ciphertext, sharedSecret } = c.kem.encapsulate(peerKey)
  const pair = c.kem.generateKeyPair()
  return { received, sent: sharedSecret, kem: { pair, accepted: { peerKey, sharedSecret, ciphertext } } }
}

function decapsulate(c: RatchetCrypto, kem: KemState | undefined, ciphertext: Uint8Array): Uint8Array {
  if (kem === undefined) throw new RatchetError({ code: "KEM_STATE" })
  return c.kem.decapsulate(kem.pair.secretKey, ciphertext)
}
