import type { Clock } from "@sluice/ops/clock"
import { Lru } from "@sluice/ops/lru"

interface Entry {
  readonly bytes: Uint8Array | undefined
  readonly until: number
}

/** Memory that an entry takes besides its bytes, roughly. */
const OVERHEAD = 200

/** Limits of a cache. */
export interface CacheLimits {
  /** Milliseconds for which an entry is good; 0 keeps nothing. */
  readonly time: number
  /** Most bytes of all entries together. */
  readonly size: number
}

/**
 * Sealed data of links, for a short time: many readers of one address cost its relay one command. Bounded by time and by
 * size; the least recently used entries go first. That there is nothing (`undefined`) is remembered as well.
 */
export class LinkCache {
  readonly #limits: CacheLimits
  readonly #clock: Clock
  readonly #entries: Lru<string, Entry>
  #bytes = 0

  constructor(limits: CacheLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
    this.#entries = new Lru(Math.max(1, Math.floor(limits.size / OVERHEAD)))
  }

  /** Bytes that the entries take, for a gauge. */
  get bytes(): number {
    return this.#bytes
  }

  get size(): number {
    return this.#entries.size
  }

  /** What is known of a link, or `undefined`. */
  get(key: string): { readonly bytes: Uint8Array | undefined } | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.until > this.#clock.monotonic()) return entry
    this.#drop(key, entry)
    return undefined
  }

  set(key: string, bytes: Uint8Array | undefined): void {
    const { time, size } = this.#limits
    const cost = costOf(bytes)
    if (time === 0 || cost > size) return
    const old = this.#entries.peek(key)
    if (old !== undefined) this.#drop(key, old)
    for (const [oldest, entry] of this.#entries.entries()) {
      if (this.#bytes + cost <= size) break
      this.#drop(oldest, entry)
    }
    this.#entries.set(key, { bytes, until: this.#clock.monotonic() + time })
    this.#bytes += cost
  }

  /** Forgets everything that is too old, which would otherwise stay until there is no room. */
  sweep(): void {
    const now = this.#clock.monotonic()
    for (const [key, entry] of [...this.#entries.entries()]) {
      if (entry.until <= now) this.#drop(key, entry)
    }
  }

  #drop(key: string, { bytes }: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= costOf(bytes)
  }
}

function costOf(bytes: Uint8Array | undefined): number {
  return OVERHEAD + (bytes?.length ?? 0)
}
