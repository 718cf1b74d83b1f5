import type { ServiceKind } from "../records.ts"

/**
 * Every key of the store. Keys of one queue share the hash tag of its recipient ID, so that one script on one slot can
 * change them together; indexes and lists are spread over slots of their own. `docs/redis.md` describes what they hold.
 */
export class RedisKeys {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  /** Record of a queue (hash). */
  record(recipientId: Uint8Array): string {
    return `${this.#prefix}{${name(recipientId)}}`
  }

  /** The keys of one queue, which all begin with that of its record. */
  queue(recipientId: Uint8Array): QueueKeys {
    const record = this.record(recipientId)
    return {
      record,
      messages: `${record}m`,
      bodies: `${record}b`,
      link: `${record}l`,
      notifications: `${record}n`,
    }
  }

  /** Recipient ID of a sender, notifier or link ID (string). */
  index(kind: IndexKind, id: Uint8Array): string {
    return `${this.#prefix}${INDEX[kind]}:${name(id)}`
  }

  /** What all keys of indexes match. */
  indexPattern(): string {
    return `${this.#prefix}[snl]:*`
  }

  /** The kind and ID of an index by its key; absent for other keys. */
  indexOf(key: string): { readonly kind: IndexKind; readonly id: Uint8Array } | undefined {
    const rest = key.slice(this.#prefix.length)
    const kind = KINDS.find((candidate) => rest.startsWith(`${INDEX[candidate]}:`))
    return kind === undefined ? undefined : { kind, id: Buffer.from(rest.slice(2), "base64url") }
  }

  /** IDs that begin with a byte, in order (sorted set): recipient IDs of all queues, IDs of all notifiers. */
  list(of: ListKind, bucket: number): string {
    return `${this.#prefix}${of}:${hex(bucket)}`
  }

  service(serviceId: Uint8Array): string {
    return `${this.#prefix}S:${name(serviceId)}`
  }

  /** Service ID of a certificate. */
  fingerprint(fingerprint: Uint8Array): string {
    return `${this.#prefix}F:${name(fingerprint)}`
  }

  /** IDs of all services, in order (sorted set). */
  services(): string {
    return `${this.#prefix}services`
  }

  /** IDs of the queues of a service that begin with four bits, in order (sorted set), and XOR of their MD5 (string). */
  serviceQueues(
    serviceId: Uint8Array,
    kind: ServiceKind,
    part: number,
  ): { readonly ids: string; readonly hash: string } {
    const tag = `${this.#prefix}{${name(serviceId)}:${kind === "messages" ? "m" : "n"}${part.toString(16)}}`
    return { ids: `${tag}i`, hash: `${tag}h` }
  }

  /** Of all blobs, which share a slot: names by the time of their last write (sorted set), and how their keys begin. */
  blobs(): { readonly times: string; readonly start: string } {
    const tag = `${this.#prefix}{blobs}`
    return { times: `${tag}t`, start: `${tag}:` }
  }

  /** A blob (hash: k key, t time, d data), with its name. */
  blob(id: Uint8Array): { readonly times: string; readonly blob: string; readonly name: string } {
    const { times, start } = this.blobs()
    return { times, blob: start + name(id), name: name(id) }
  }

  /** Numbers of what is stored (hash). */
  counts(): string {
    return `${this.#prefix}counts`
  }

  /** Version of the data, and the least version of programs that may work on it (hash: version, least). */
  schema(): string {
    return `${this.#prefix}schema`
  }

  /** Held by the node that changes the data to a new version (string). */
  schemaLock(): string {
    return `${this.#prefix}schema:lock`
  }

  /** Name of a migration into this store that was not finished (string). */
  migration(): string {
    return `${this.#prefix}migration`
  }

  /** Written to find out whether anything can be. */
  probe(): string {
    return `${this.#prefix}check`
  }
}

export interface QueueKeys {
  readonly record: string
  /** Items of its messages without bodies (list). */
  readonly messages: string
  /** What the keys of bodies begin with. */
  readonly bodies: string
  readonly link: string
  /** Pending notifications of its notifier (list). */
  readonly notifications: string
}

/** Key of a body by its name. */
export function bodyKey({ bodies }: Pick<QueueKeys, "bodies">, name: string): string {
  return bodies + name
}

export type IndexKind = "sender" | "notifier" | "link"
export type ListKind = "queues" | "notifiers"

/** Lists of IDs are spread over as many keys, by the first byte of the ID. */
export const BUCKETS = 256
/** Sets of queues of a service are spread over as many slots, by the first four bits of the ID. */
export const SERVICE_PARTS = 16

const KINDS: readonly IndexKind[] = ["sender", "notifier", "link"]
const INDEX: Readonly<Record<IndexKind, string>> = { sender: "s", notifier: "n", link: "l" }

/** Bytes as a part of a key: no braces, which would end a hash tag. */
function name(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString("base64url")
}

function hex(bucket: number): string {
  return bucket.toString(16).padStart(2, "0")
}
