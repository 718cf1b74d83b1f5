import { equalBytes, idKey } from "@sluice/encoding/bytes"
import type { Clock } from "@sluice/ops/clock"
import { Lru } from "@sluice/ops/lru"
import type { RedisConnection } from "@sluice/redis/connection"
import { type CommandLine, listOf, type Reply } from "@sluice/redis/redis-command"
import { copyOf } from "../codec/copy.ts"
import { ID_LENGTH, isId, isLinkId } from "../codec/keys.ts"
import { writeU40 } from "../codec/numbers.ts"
import type { Recalled } from "../queue-store.ts"
import type { QueueRecord } from "../records.ts"
import type { IndexKind, RedisKeys } from "./keys.ts"
import { RECORD_FIELDS, recordOf, revisionOf } from "./record-fields.ts"
import type { RememberedQueues } from "./remembered-queues.ts"
import { RELEASE } from "./scripts/index-scripts.ts"

/** Recipient ID of no queue. */
const NOBODY = new Uint8Array(ID_LENGTH)

/** An ID that was taken for a queue, or not. */
export interface Claim {
  readonly kind: IndexKind
  readonly id: Uint8Array
  /** Whether it is this queue's now. */
  readonly held: boolean
  /** It was nobody's before. */
  readonly isNew: boolean
}

/**
 * From the IDs of senders, notifiers and links to recipient IDs. An index is written before the record names it and
 * removed after the record does not any more: the record has the last word, and every look-up asks it. An index never
 * changes its owner, so that operations which verify nothing keep in memory what was found.
 *
 * An index holds 24 bytes recipient ID and u40 time of writing, for the sweep.
 */
export class Indexes {
  readonly #connection: RedisConnection
  readonly #keys: RedisKeys
  readonly #clock: Clock
  readonly #known: Lru<string, Uint8Array>
  readonly #remembered: RememberedQueues

  constructor(
    connection: RedisConnection,
    keys: RedisKeys,
    clock: Clock,
    { knownIds, remembered }: { readonly knownIds: number; readonly remembered: RememberedQueues },
  ) {
    this.#connection = connection
    this.#keys = keys
    this.#clock = clock
    this.#known = new Lru(knownIds)
    this.#remembered = remembered
  }

  /** The record of a queue, or absent. */
  async record(recipientId: Uint8Array): Promise<QueueRecord | undefined> {
    return isId(recipientId) ? recordOf(recipientId, await this.#fields(recipientId)) : undefined
  }

  /**
   * The record that has this ID, or absent. The index is asked whatever is known, and the record without an index: an ID
   * takes as long whether nobody has it, or somebody, or somebody that was here before.
   */
  async recordBy(kind: IndexKind, id: Uint8Array): Promise<QueueRecord | undefined> {
    if (!isIdOf(kind, id)) return undefined
    const record = await this.record((await this.read(kind, id)) ?? NOBODY)
    if (record === undefined || !hasId(record, kind, id)) return undefined
    // Operations name queues by nothing else that has an index.
    if (kind === "notifier") this.#known.set(nameOf(kind, id), record.recipientId)
    return record
  }

  /** The record of a queue from memory, or as Redis has it. */
  async recall(by: "recipient" | "sender", id: Uint8Array): Promise<Recalled> {
    if (!isId(id)) return { queue: undefined, remembered: false }
    const known = this.#remembered.get(by, id)
    if (known !== undefined) {
      this.#remembered.figures.remembered++
      return { ...known, remembered: true }
    }
    this.#remembered.figures.read++
    const recipientId = by === "recipient" ? id : ((await this.read("sender", id)) ?? NOBODY)
    const values = await this.#fields(recipientId)
    const queue = recordOf(recipientId, values)
    if (queue === undefined || (by === "sender" && !hasId(queue, "sender", id))) {
      return { queue: undefined, remembered: false }
    }
    const revision = revisionOf(values)
    if (revision === undefined) return { queue, remembered: false }
    this.#remembered.set({ queue, revision })
    return { queue, revision, remembered: false }
  }

  /** The record was changed by this node: what is remembered is of no use any more. */
  forget(recipientId: Uint8Array): void {
    this.#remembered.forget(recipientId)
  }

  /** An operation was refused because the record is not the remembered one. */
  changed(recipientId: Uint8Array): void {
    this.#remembered.figures.changed++
    this.#remembered.forget(recipientId)
  }

  /** The recipient ID that an index leads to, whatever the record says. */
  async recipientOf(kind: IndexKind, id: Uint8Array): Promise<Uint8Array | undefined> {
    if (!isIdOf(kind, id)) return undefined
    const name = nameOf(kind, id)
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const recipientId = await this.read(kind, id)
    if (recipientId !== undefined) this.#known.set(name, recipientId)
    return recipientId
  }

  /** What the index itself says. */
  async read(kind: IndexKind, id: Uint8Array): Promise<Uint8Array | undefined> {
    return ownerIn(await this.#connection.command(["GET", this.#keys.index(kind, id)]))
  }

  async #fields(recipientId: Uint8Array): Promise<readonly Reply[]> {
    const line: CommandLine = ["HMGET", this.#keys.record(recipientId), ...RECORD_FIELDS]
    const values = listOf(await this.#connection.command(line))
    this.#remembered.keepOnly(recipientId, revisionOf(values))
    return values
  }

  /** Takes an ID for a queue, unless it is another's. */
  async claim(kind: IndexKind, id: Uint8Array, recipientId: Uint8Array): Promise<Claim> {
    if (!isIdOf(kind, id)) return { kind, id, held: false, isNew: false }
    const value = new Uint8Array(ID_LENGTH + 5)
    value.set(recipientId)
    writeU40(value, ID_LENGTH, Math.floor(this.#clock.now() / 1000))
    const line: CommandLine = ["SET", this.#keys.index(kind, id), value, "NX", "GET"]
    const [reply] = await this.#connection.run({ steps: [line], write: true })
    const owner = ownerIn(reply)
    return { kind, id, held: owner === undefined || equalBytes(owner, recipientId), isNew: owner === undefined }
  }

  /** Gives an ID back, if it is this queue's. */
  async release(kind: IndexKind, id: Uint8Array, recipientId: Uint8Array): Promise<void> {
    this.#known.delete(nameOf(kind, id))
    const call = { script: RELEASE, keys: [this.#keys.index(kind, id)], args: [recipientId] }
    await this.#connection.run({ steps: [call], write: true })
  }

  /** Gives back what was taken for a change that was refused. */
  async undo(claims: readonly Claim[], recipientId: Uint8Array): Promise<void> {
    const taken = claims.filter(({ isNew }) => isNew)
    await Promise.all(taken.map(({ kind, id }) => this.release(kind, id, recipientId)))
  }
}

/** Whether the record names this ID. */
export function hasId(record: QueueRecord, kind: IndexKind, id: Uint8Array): boolean {
  const own = kind === "sender" ? record.senderId : kind === "link" ? record.linkId : record.notifier?.notifierId
  return own !== undefined && equalBytes(own, id)
}

/** The recipient ID in the value of an index. */
export function ownerIn(reply: Reply | undefined): Uint8Array | undefined {
  return reply instanceof Uint8Array && reply.length > ID_LENGTH ? copyOf(reply.subarray(0, ID_LENGTH)) : undefined
}

function isIdOf(kind: IndexKind, id: Uint8Array): boolean {
  return kind === "link" ? isLinkId(id) : isId(id)
}

function nameOf(kind: IndexKind, id: Uint8Array): string {
  return `${kind[0]}${idKey(id)}`
}
