import type { CryptoBackend } from "@sluice/crypto/backend"
import { concatBytes, fromLatin1, utf8 } from "@sluice/encoding/bytes"
import type { Clock } from "@sluice/ops/clock"
import { type RateLimit, RateLimiter } from "@sluice/ops/rate-limiter"
import { sourceOf } from "@sluice/server-kit/admission"

/** Bytes of the key of this process, and of the hash that stands for a client. */
const KEY_BYTES = 32
const HASH_BYTES = 12

/**
 * A token bucket for each client. Clients are remembered as hashes under a key that exists only in this process: whoever
 * sees the memory later finds no address in it, and cannot try addresses without the key.
 */
export class ClientLimit {
  readonly #crypto: CryptoBackend
  readonly #key: Uint8Array
  readonly #limiter: RateLimiter

  constructor(limit: RateLimit, crypto: CryptoBackend, clock: Clock) {
    this.#crypto = crypto
    this.#key = crypto.randomBytes(KEY_BYTES)
    this.#limiter = new RateLimiter(limit, clock)
  }

  /** Takes a token; gives the milliseconds to wait instead if there is none. */
  take(address: string): number {
    const hash = this.#crypto.sha256(concatBytes(this.#key, utf8(sourceOf(address))))
    const client = fromLatin1(hash.subarray(0, HASH_BYTES))
    return this.#limiter.take(client) ? 0 : this.#limiter.waitFor(client)
  }

  /** Clients remembered. */
  get size(): number {
    return this.#limiter.size
  }
}
