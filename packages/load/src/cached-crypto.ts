import type { CryptoBackend } from "@sluice/crypto/backend"

/**
 * A back end that remembers the Diffie-Hellman secrets and box keys of key objects it has seen. A load generator uses the
 * same two keys for every message of a pair; computing their secret each time would cost more than all else it does.
 */
export function cachedCrypto(c: CryptoBackend): CryptoBackend {
  const secrets = new WeakMap<object, WeakMap<object, Uint8Array>>()
  const boxKeys = new WeakMap<object, ReturnType<CryptoBackend["boxKey"]>>()
  return {
    ...c,
    diffieHellman(own, peer) {
      const ofOwn = secrets.get(own) ?? new WeakMap<object, Uint8Array>()
      const secret = ofOwn.get(peer) ?? c.diffieHellman(own, peer)
      secrets.set(own, ofOwn.set(peer, secret))
      return secret
    },
    boxKey(secret) {
      const key = boxKeys.get(secret) ?? c.boxKey(secret)
      boxKeys.set(secret, key)
      return key
    },
  }
}
