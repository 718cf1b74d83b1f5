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

/** Chains of a session from its ID (the TLS channel binding) and its X25519 secret (crypto.md §2, SimpleXSbChainInit). */
export function initChains(c: CryptoBackend, sessionId: Uint8Array, secret: Uint8Array): Chains {
  const keys = c.hkdf(sessionId, secret, "SimpleXSbChainInit", 2 * CHAIN_KEY_SIZE)
  return { a: keys.subarray(0, CHAIN_KEY_SIZE), b: keys.subarray(CHAIN_KEY_SIZE) }
}

/** Takes one step (crypto.md §2, SimpleXSbChain). The three results share one array of 88 bytes. */
export function nextBlockKey(c: CryptoBackend, chain: Uint8Array): ChainStep {
  const keyEnd = CHAIN_KEY_SIZE + BOX_KEY_SIZE
  const keys = c.hkdf(EMPTY, chain, "SimpleXSbChain", keyEnd + NONCE_SIZE)
  return {
    chain: keys.subarray(0, CHAIN_KEY_SIZE),
    key: keys.subarray(CHAIN_KEY_SIZE, keyEnd),
    nonce: keys.subarray(keyEnd),
  }
}
