import { EMPTY } from "@sluice/encoding/bytes"
import { BOX_KEY_SIZE, type CryptoBackend, NONCE_SIZE } from "./backend.ts"

/** Bytes of a chain key. */
export const CHAIN_KEY_SIZE = 32

/** The two chains of a session: the server sends with `a` and receives with `b`, the client the other way round. */
export interface Chains {
  readonly a: Uint8Array
  readonly b: Uint8Array
}

/** One step of a chain. */
export interface ChainStep {
  /** Chain key of the next step (32 bytes). */
  readonly chain: Uint8Array
  /** Secret for this block (32 bytes); it becomes a box key by {@link CryptoBackend.boxKey}. */
  readonly key: Uint8Array
  /** Nonce for this block (24 bytes). */
  readonly nonce: Uint8Array
}

const KEY_AT = CHAIN_KEY_SIZE
const NONCE_AT = KEY_AT + BOX_KEY_SIZE

/** Memory for a step of any chain; who takes many steps can use it again and again. */
export class StepMemory implements ChainStep {
  readonly bytes: Uint8Array = new Uint8Array(NONCE_AT + NONCE_SIZE)
  readonly chain: Uint8Array = this.bytes.subarray(0, KEY_AT)
  readonly key: Uint8Array = this.bytes.subarray(KEY_AT, NONCE_AT)
  readonly nonce: Uint8Array = this.bytes.subarray(NONCE_AT)
}

/** Chains of a session from its ID (the TLS channel binding) and its X25519 secret (crypto.md §2, SimpleXSbChainInit). */
export function initChains(c: CryptoBackend, sessionId: Uint8Array, secret: Uint8Array): Chains {
  const keys = c.hkdf(sessionId, secret, "SimpleXSbChainInit", 2 * CHAIN_KEY_SIZE)
  return { a: keys.subarray(0, CHAIN_KEY_SIZE), b: keys.subarray(CHAIN_KEY_SIZE) }
}

/** Takes one step (crypto.md §2, SimpleXSbChain) into the given memory, or new one. `chain` stays as it is. */
export function nextBlockKey(c: CryptoBackend, chain: Uint8Array, into: StepMemory = new StepMemory()): ChainStep {
  c.hkdf(EMPTY, chain, "SimpleXSbChain", into.bytes.length, into.bytes)
  return into
}
