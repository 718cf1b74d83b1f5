import type { PushReference } from "../ntf-store.ts"

/** Lists of tokens and of pushes are spread over as many slots, by the first four bits of the token's id. */
export const BUCKETS = 16

/** The letters that kinds of pushes have in fields and members. */
export const KIND: Readonly<Record<PushReference["kind"], string>> = { verification: "V", message: "M" }

/**
 * Every key of the store. Keys of one registration share the hash tag of its id, those of one relay that of the relay, so
 * that one script on one slot can change them together; indexes are in slots of their own. `docs/redis.md` describes what
 * they hold.
 */
export class NtfKeys {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  token(tokenId: Uint8Array): TokenKeys {
    const token = `${this.#prefix}{${name(tokenId)}}`
    return { token, subscriptions: `${token}s`, last: `${token}l`, relays: `${token}r` }
  }

  relay(relayId: Uint8Array): RelayKeys {
    const relay = `${this.#prefix}{r:${name(relayId)}}`
    return { relay, subscriptions: `${relay}s`, order: `${relay}n`, fresh: `${relay}w`, owner: `${relay}o` }
  }

  /** Ids of the registrations of a device token, by the hash of their key (hash). */
  device(deviceKey: Uint8Array): string {
    return `${this.#prefix}d:${name(deviceKey)}`
  }

  /** Token id of a subscription (string). */
  subscription(subscriptionId: Uint8Array): string {
    return `${this.#prefix}s:${name(subscriptionId)}`
  }

  /** Ids of all relays, in order (sorted set). */
  relays(): string {
    return `${this.#prefix}relays`
  }

  /** Token ids with periodic pushes, in order (sorted set). */
  periodic(bucket: number): string {
    return `${this.#prefix}cron:${bucket.toString(16)}`
  }

  /** Token ids that were never verified, by the day since the epoch of their registration (sorted set). */
  unverified(bucket: number): string {
    return `${this.#prefix}new:${bucket.toString(16)}`
  }

  /** What is to be pushed, by the time from which another node may look after it (sorted set). */
  pushes(bucket: number): string {
    return `${this.#prefix}push:${bucket.toString(16)}`
  }

  /** Numbers of what is stored (hash). */
  counts(): string {
    return `${this.#prefix}counts`
  }

  /** Version of the data (string). */
  schema(): string {
    return `${this.#prefix}schema`
  }

  /** Written to find out whether anything can be (string). */
  probe(): string {
    return `${this.#prefix}check`
  }
}

export interface TokenKeys {
  /** The registration, and what is to be pushed to it (hash). */
  readonly token: string
  /** Subscription id → relay id ‖ notifier id (hash). */
  readonly subscriptions: string
  /** Subscription id → last notification (hash). */
  readonly last: string
  /** Relay id → number of subscriptions (hash). */
  readonly relays: string
}

export interface RelayKeys {
  /** The relay, and this server's service at it (hash). */
  readonly relay: string
  /** Notifier id → subscription (hash). */
  readonly subscriptions: string
  /** Notifier ids in order (sorted set). */
  readonly order: string
  /** Notifier ids of subscriptions that nobody has asked the relay for (set). */
  readonly fresh: string
  /** The node that is subscribed to it (string that expires). */
  readonly owner: string
}

/** The bucket of a token. */
export function bucketOf(tokenId: Uint8Array): number {
  return (tokenId[0] ?? 0) >> 4
}

/** Bytes as a part of a key: no braces, which would end a hash tag. */
function name(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString("base64url")
}
