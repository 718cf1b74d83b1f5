import { PAD_PREFIX } from "@sluice/encoding/padding"
import type { Version } from "@sluice/encoding/version"
import { RatchetError } from "./errors.ts"
import { encodeHeader, type MessageHeader, sealHeader } from "./header.ts"
import { chainStep } from "./kdf.ts"
import type { KemParams } from "./kem-params.ts"
import type { MessageKeyMaterial } from "./message-key.ts"
import { encryptBody } from "./message-key.ts"
import type { RatchetCrypto } from "./primitives.ts"
import type { KemState, Ratchet, SendingChain } from "./state.ts"
import { E2E_RANGE, E2E_VERSION, hasKem } from "./versions.ts"

export interface EncryptOptions {
  /** Turns the KEM on or off from here on; absent leaves it as it is. */
  readonly pq?: boolean | undefined
  /** The highest version that this side speaks now. Default: 3. */
  readonly maxVersion?: Version | undefined
}

/** A key for exactly one message, and the state that has to be saved before the message leaves. */
export interface PreparedMessage {
  readonly state: Ratchet
  readonly key: MessageKeyMaterial
  /** Whether a KEM secret protects this message. */
  readonly pq: boolean
}

/**
 * The first half of encryption: takes a step of the sending chain and encrypts the header (ratchet.md §5). The body can
 * be encrypted later by `encryptBody`; the same body and key always give the same packet. Needs no randomness. Throws
 * `RatchetError` "NO_SENDING_CHAIN".
 */
export function prepareMessage(c: RatchetCrypto, state: Ratchet, options: EncryptOptions = {}): PreparedMessage {
  const { sending, kem } = state
  if (sending === undefined) throw new RatchetError({ code: "NO_SENDING_CHAIN" })
  const step = chainStep(c, sending.chainKey)
  const version = state.version.current
  const enableKem = options.pq ?? state.enableKem
  const supportKem = state.supportKem || (hasKem(version) && enableKem)
  // Asking for PQ offers the version that has it, whatever this side was configured with.
  const maxVersion = Math.max(options.maxVersion ?? E2E_RANGE.max, options.pq === true ? E2E_VERSION.PQ : version)
  const encHeader = sealHeader(
    c,
    encodeHeader(headerOf(state, maxVersion), version),
    { headerKey: sending.headerKey, iv: step.headerIv, associatedData: state.associatedData },
    version,
    supportKem,
  )
  return {
    state: {
      ...state,
      version: { current: version, max: maxVersion },
      sending: { ...sending, chainKey: step.chainKey } satisfies SendingChain,
      sentCount: state.sentCount + 1,
      supportKem,
      enableKem,
      // The header above still accepted the peer's key; the next ones only propose.
      kem: options.pq === false && kem !== undefined ? { pair: kem.pair, accepted: undefined } : kem,
    },
    key: {
      version,
      associatedData: state.associatedData,
      messageKey: step.messageKey,
      iv: step.messageIv,
      encHeader,
    },
    pq: state.sendingKem,
  }
}

export interface EncryptedMessage {
  readonly state: Ratchet
  readonly packet: Uint8Array
  /** Whether a KEM secret protects this message. */
  readonly pq: boolean
}

/**
 * Encrypts a message padded to `paddedLength` bytes. The new state must be saved before the packet leaves. Throws
 * `RatchetError` "LARGE_MESSAGE" when the message has more than `paddedLength - 2` bytes, or "NO_SENDING_CHAIN".
 */
export function encrypt(
  c: RatchetCrypto,
  state: Ratchet,
  message: Uint8Array,
  paddedLength: number,
  options?: EncryptOptions,
): EncryptedMessage {
  if (state.sending !== undefined && message.length > paddedLength - PAD_PREFIX) {
    throw new RatchetError({ code: "LARGE_MESSAGE" })
  }
  const { state: next, key, pq } = prepareMessage(c, state, options)
  return { state: next, packet: encryptBody(c, key, message, paddedLength), pq }
}

function headerOf(state: Ratchet, maxVersion: Version): MessageHeader {
  return {
    maxVersion,
    dh: state.dh.publicKey,
    kem: state.kem && kemParams(state.kem),
    previousCount: state.previousCount,
    number: state.sentCount,
  }
}

function kemParams({ pair, accepted }: KemState): KemParams {
  const { publicKey } = pair
  if (accepted === undefined) return { type: "proposed", publicKey }
  return { type: "accepted", ciphertext: accepted.ciphertext, publicKey }
}
