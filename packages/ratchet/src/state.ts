import type { KemKeyPair } from "@sluice/crypto/kem"
import type { KeyPair, X448Key } from "@sluice/crypto/keys"
import type { Version } from "@sluice/encoding/version"

/** What accepting the peer's KEM key gave. */
export interface AcceptedState {
  /** The peer's public key, 1158 bytes. */
  readonly peerKey: Uint8Array
  /** 32 bytes. */
  readonly sharedSecret: Uint8Array
  /** For the peer, 1039 bytes. */
  readonly ciphertext: Uint8Array
}

/** Own KEM key, and what was made from the peer's. */
export interface KemState {
  readonly pair: KemKeyPair
  readonly accepted: AcceptedState | undefined
}

/** The chain that encrypts. */
export interface SendingChain {
  /** The peer's ratchet key that it was made with. */
  readonly peerKey: X448Key
  /** 32 bytes. */
  readonly chainKey: Uint8Array
  /** 32 bytes. */
  readonly headerKey: Uint8Array
}

/** The chain that decrypts. */
export interface ReceivingChain {
  /** 32 bytes. */
  readonly chainKey: Uint8Array
  /** 32 bytes. */
  readonly headerKey: Uint8Array
}

/**
 * The state of one side of a double ratchet (ratchet.md §3). It never changes: encryption and decryption return a new
 * one. Whoever keeps it must save the new one before the packet leaves, or a key could be used twice.
 */
export interface Ratchet {
  /** The version in use, and the highest that this side offers. */
  readonly version: { readonly current: Version; readonly max: Version }
  /** raw s1 ‖ raw r1, 112 bytes. */
  readonly associatedData: Uint8Array
  /** Own ratchet key. */
  readonly dh: KeyPair<"x448">
  readonly kem: KemState | undefined
  /** Whether large headers and smaller bodies are in use; never goes off again. */
  readonly supportKem: boolean
  /** Whether the next ratchet step uses the KEM. */
  readonly enableKem: boolean
  /** Whether the last root step for sending used a KEM secret. */
  readonly sendingKem: boolean
  /** Whether the last root step for receiving used a KEM secret. */
  readonly receivingKem: boolean
  /** 32 bytes. */
  readonly rootKey: Uint8Array
  /** Absent on the initiator's side until the first message has come. */
  readonly sending: SendingChain | undefined
  readonly receiving: ReceivingChain | undefined
  /** Ns, number of the next message sent, u32. */
  readonly sentCount: number
  /** Nr, number of the next message received, u32. */
  readonly receivedCount: number
  /** PN, messages in the previous sending chain, u32. */
  readonly previousCount: number
  /** NHKs, 32 bytes. */
  readonly nextSendingHeaderKey: Uint8Array
  /** NHKr, 32 bytes. */
  readonly nextReceivingHeaderKey: Uint8Array
}
