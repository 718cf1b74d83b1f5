import type { CryptoBackend } from "@sluice/crypto/backend"
import { fromLatin1 } from "@sluice/encoding/bytes"
import type { Clock, Timer } from "@sluice/ops/clock"
import { type AllowedRelay, AllowList } from "./allow-list.ts"
import { type CacheLimits, LinkCache } from "./link-cache.ts"
import { ResolveError } from "./problem.ts"
import { RelayLink, type RelayLinkOptions } from "./relay-link.ts"

/** Milliseconds between looks for cached data that is too old. */
const SWEEP_EVERY = 30_000

/** Bytes of a link ID. */
export const LINK_ID_BYTES = 24

/** Limits of a resolver. */
export interface ResolverOptions extends RelayLinkOptions {
  readonly relays: readonly AllowedRelay[]
  readonly cache: CacheLimits
}

/** What a resolver is doing, for metrics. */
export interface ResolverLevels {
  readonly fetching: number
  readonly waiting: number
  readonly cachedLinks: number
  readonly cachedBytes: number
}

/** Where the data of a link came from. */
export type ResolveSource = "cache" | "relay"

/**
 * Fetches the sealed data of contact addresses from the configured relays, by link ID. It has no keys, so it cannot tell
 * what it hands out, and it never sends `LKEY`: that would use up a one-time invitation.
 */
export class Resolver {
  readonly allowed: AllowList
  readonly #cache: LinkCache
  readonly #clock: Clock
  readonly #links = new Map<AllowedRelay, RelayLink>()
  /** Fetches under way: those who ask for the same link meanwhile share the answer. */
  readonly #pending = new Map<string, Promise<Uint8Array | undefined>>()
  #sweeping: Timer | undefined

  constructor(options: ResolverOptions, { crypto, clock }: { readonly crypto: CryptoBackend; readonly clock: Clock }) {
    this.allowed = new AllowList(options.relays)
    this.#cache = new LinkCache(options.cache, clock)
    this.#clock = clock
    for (const relay of options.relays) this.#links.set(relay, new RelayLink(relay, options, { crypto, clock }))
  }

  /**
   * An encoded `LinkAnswer`. Throws `ResolveError`.
   * @param linkId 24 bytes
   */
  async resolve(
    host: string,
    linkId: Uint8Array,
  ): Promise<{ readonly bytes: Uint8Array; readonly from: ResolveSource }> {
    const relay = this.allowed.find(host)
    const link = relay && this.#links.get(relay)
    if (relay === undefined || link === undefined) throw new ResolveError("not-allowed")
    const key = `${this.allowed.relays.indexOf(relay)} ${fromLatin1(linkId)}`
    const cached = this.#cache.get(key)
    const bytes = cached === undefined ? await this.#fetch(key, link, linkId) : cached.bytes
    if (bytes === undefined) throw new ResolveError("not-found")
    return { bytes, from: cached === undefined ? "relay" : "cache" }
  }

  levels(): ResolverLevels {
    const levels = { fetching: 0, waiting: 0, cachedLinks: this.#cache.size, cachedBytes: this.#cache.bytes }
    for (const { load } of this.#links.values()) {
      levels.fetching += load.running
      levels.waiting += load.waiting
    }
    return levels
  }

  /** Begins to drop what is too old from the cache now and then. */
  start(): void {
    const sweep = (): void => {
      this.#cache.sweep()
      this.#sweeping?.refresh()
    }
    this.#sweeping = this.#clock.setTimeout(sweep, SWEEP_EVERY, { background: true })
  }

  /** Closes the connections to relays; what is being fetched fails. */
  async close(): Promise<void> {
    this.#sweeping?.cancel()
    await Promise.all([...this.#links.values()].map((link) => link.close()))
  }

  #fetch(key: string, link: RelayLink, linkId: Uint8Array): Promise<Uint8Array | undefined> {
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending
    const fetching = link
      .fetch(linkId)
      .then((bytes) => {
        this.#cache.set(key, bytes)
        return bytes
      })
      .finally(() => this.#pending.delete(key))
    this.#pending.set(key, fetching)
    return fetching
  }
}
