import type { PrivateKey, X448Key } from "@sluice/crypto/keys"
import { concatBytes, EMPTY } from "@sluice/encoding/bytes"
import { type RatchetCrypto, sharedSecret } from "./primitives.ts"

// Results are copies, not views on the output of the derivation: whoever keeps a chain key must not keep the key of a
// message that is already gone with it.

/** A step of the root chain; 32 bytes each. */
export interface RootStep {
  readonly rootKey: Uint8Array
  readonly chainKey: Uint8Array
  readonly nextHeaderKey: Uint8Array
}

/** A step of the root chain from a DH secret and, if there is one, a KEM secret. Throws "LOW_ORDER_KEY". */
export function rootStep(
  c: RatchetCrypto,
  rootKey: Uint8Array,
  peer: X448Key,
  own: PrivateKey<"x448">,
  kemSecret: Uint8Array | undefined,
): RootStep {
  const dh = sharedSecret(c, own, peer)
  const secret = kemSecret === undefined ? dh : concatBytes(dh, kemSecret)
  const keys = c.crypto.hkdf(rootKey, secret, "SimpleXRootRatchet", 96)
  return { rootKey: keys.slice(0, 32), chainKey: keys.slice(32, 64), nextHeaderKey: keys.slice(64, 96) }
}

/** A step of a sending or receiving chain. */
export interface ChainStep {
  /** The next chain key, 32 bytes. */
  readonly chainKey: Uint8Array
  /** 32 bytes. */
  readonly messageKey: Uint8Array
  /** 16 bytes. */
  readonly messageIv: Uint8Array
  /** 16 bytes; only the sender needs it. */
  readonly headerIv: Uint8Array
}

/** One key for one message, and the chain key for the next. */
export function chainStep(c: RatchetCrypto, chainKey: Uint8Array): ChainStep {
  const keys = c.crypto.hkdf(EMPTY, chainKey, "SimpleXChainRatchet", 96)
  return {
    chainKey: keys.slice(0, 32),
    messageKey: keys.slice(32, 64),
    messageIv: keys.slice(64, 80),
    headerIv: keys.slice(80, 96),
  }
}
