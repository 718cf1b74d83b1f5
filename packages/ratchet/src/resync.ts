import type { X448Key } from "@sluice/crypto/keys"
import { concatBytes } from "@sluice/encoding/bytes"
import type { RatchetProblem } from "./errors.ts"
import type { RatchetCrypto } from "./primitives.ts"

/** SHA-256 of two raw public keys, 32 bytes: names a ratchet-key message and decides the roles (ratchet.md §10). */
export function ratchetKeyHash(c: RatchetCrypto, key1: X448Key, key2: X448Key): Uint8Array {
  return c.crypto.sha256(concatBytes(key1.raw, key2.raw))
}

/**
 * Which side a party takes in the new ratchet: the one with the smaller hash receives first (`acceptRatchet`), the other
 * sends first (`joinRatchet`, then EREADY).
 */
export function resyncRole(ownHash: Uint8Array, peerHash: Uint8Array): "receiving" | "sending" {
  for (let i = 0; i < ownHash.length; i++) {
    const [own, peer] = [ownHash[i] ?? 0, peerHash[i] ?? 0]
    if (own !== peer) return own < peer ? "receiving" : "sending"
  }
  return "receiving"
}

/**
 * What a failed decryption means for a connection: a new ratchet may help ("allowed"), is needed ("required"), or has
 * nothing to do with it (`undefined`).
 */
export function resyncAdvice(problem: RatchetProblem): "allowed" | "required" | undefined {
  switch (problem.code) {
    case "DECRYPT":
    case "EARLIER":
      return "allowed"
    case "HEADER":
    case "TOO_MANY_SKIPPED":
      return "required"
    default:
      return undefined
  }
}
