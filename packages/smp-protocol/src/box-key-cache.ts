import type { BoxKey } from "@sluice/crypto/backend"
import type { X25519Key } from "@sluice/crypto/keys"
import { fromLatin1 } from "@sluice/encoding/bytes"

/**
 * Remembers the box keys of the peers' X25519 keys with one own key, which saves the Diffie-Hellman of every command
 * after the first. A `WeakMap` keyed by the key objects of cached queue records will do as well.
 */
export interface BoxKeyCache {
  get(peer: X25519Key): BoxKey | undefined
  set(peer: X25519Key, key: BoxKey): unknown
}

/** A cache by the bytes of the keys, for one session, that forgets the oldest of more than `capacity` keys. */
export class SessionBoxKeys implements BoxKeyCache {
  readonly #keys = new Map<string, BoxKey>()
  readonly #capacity: number

  constructor(capacity: number) {
    if (!(capacity >= 1)) throw new RangeError("SessionBoxKeys: capacity must be at least 1")
    this.#capacity = capacity
  }

  get size(): number {
    return this.#keys.size
  }

  get(peer: X25519Key): BoxKey | undefined {
    return this.#keys.get(fromLatin1(peer.raw))
  }

  set(peer: X25519Key, key: BoxKey): void {
    if (this.#keys.size >= this.#capacity) this.#forgetOldest()
    this.#keys.set(fromLatin1(peer.raw), key)
  }

  #forgetOldest(): void {
    for (const oldest of this.#keys.keys()) {
      this.#keys.delete(oldest)
      return
    }
  }
}
