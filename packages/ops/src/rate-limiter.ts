import type { Clock } from "./clock.ts"
import { Lru } from "./lru.ts"

/** What a rate limiter allows. */
export interface RateLimit {
  /** Tokens that come back per second. */
  readonly perSecond: number
  /** Tokens that a key begins with and can save up. */
  readonly burst: number
  /** Keys remembered at the same time; about 200 bytes each. */
  readonly maxKeys: number
}

interface Bucket {
  tokens: number
  /** Monotonic time at which `tokens` was right. */
  since: number
}

/**
 * A token bucket per key (usually a peer's address), in memory only. Keys cannot be listed, printed or exported.
 *
 * When there are more keys than `maxKeys`, the one not seen for the longest time is forgotten and would begin again
 * with a full bucket. Choose `maxKeys` well above the number of keys that can be busy within `burst / perSecond` seconds.
 */
export class RateLimiter {
  readonly #clock: Clock
  readonly #limit: RateLimit
  readonly #buckets: Lru<string, Bucket>
  #refused = 0

  constructor(limit: RateLimit, clock: Clock) {
    if (!(limit.perSecond > 0) || !(limit.burst >= 1)) throw new RangeError("perSecond and burst must be positive")
    this.#limit = limit
    this.#clock = clock
    this.#buckets = new Lru(limit.maxKeys)
  }

  /** Takes `cost` tokens of this key; `false`, and none taken, if there are not as many. */
  take(key: string, cost = 1): boolean {
    const now = this.#clock.monotonic()
    const bucket = this.#buckets.get(key) ?? this.#open(key, now)
    bucket.tokens = this.#tokensAt(bucket, now)
    bucket.since = now
    if (bucket.tokens < cost) {
      this.#refused++
      return false
    }
    bucket.tokens -= cost
    return true
  }

  /** Milliseconds until `cost` tokens of this key are there; 0 if they are, infinite if they never can be. */
  waitFor(key: string, cost = 1): number {
    const bucket = this.#buckets.peek(key)
    const missing = cost - (bucket === undefined ? this.#limit.burst : this.#tokensAt(bucket, this.#clock.monotonic()))
    if (cost > this.#limit.burst) return Infinity
    return missing <= 0 ? 0 : Math.ceil((missing / this.#limit.perSecond) * 1_000)
  }

  /** Number of keys remembered, for a gauge. */
  get size(): number {
    return this.#buckets.size
  }

  /** How often `take` said no, for a counter. */
  get refused(): number {
    return this.#refused
  }

  #open(key: string, now: number): Bucket {
    const bucket = { tokens: this.#limit.burst, since: now }
    this.#buckets.set(key, bucket)
    return bucket
  }

  #tokensAt(bucket: Bucket, now: number): number {
    return Math.min(this.#limit.burst, bucket.tokens + ((now - bucket.since) / 1_000) * this.#limit.perSecond)
  }
}
