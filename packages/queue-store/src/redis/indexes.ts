import { equalBytes, idKey } from "@sluice/encoding/bytes"
import type { Clock } from "@sluice/ops/clock"
import { Lru } from "@sluice/ops/lru"
import type { RedisConnection } from "@sluice/redis/connection"
import { type CommandLine, listOf, type Reply } from "@sluice/redis/redis-command"
import { copyOf } from "../codec/copy.ts"
import { ID_LENGTH, isId, isLinkId } from "../codec/keys.ts"
import { writeU40 } from "../codec/numbers.ts"
import type { QueueRecord } from "../records.ts"
import type { IndexKind, RedisKeys } from "./keys.ts"
import { RECORD_FIELDS, recordOf } from "./record-fields.ts"
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
 * changes its owner, so that what was found is kept in memory.
 *
 * An index holds 24 bytes recipient ID and u40 time of writing, for the sweep.
 */
export class Indexes {
  readonly #connection: RedisConnection
  readonly #keys: RedisKeys
  readonly #clock: Clock
  readonly #known: Lru<string, Uint8Array>

  constructor(connection: RedisConnection, keys: RedisKeys, clock: Clock, capacity: number) {
    this.#connection = connection
    this.#keys = keys
    this.#clock = clock
    this.#known = new Lru(capacity)
  }

  /** The record of a queue, or absent. */
  async record(recipientId: Uint8Array): Promise<QueueRecord | undefined> {
    if (!isId(recipientId)) return undefined
    const line: CommandLine = ["HMGET", this.#keys.record(recipientId), ...RECORD_FIELDS]
    return recordOf(recipientId, listOf(await this.#connection.command(line)))
  }

  /** The record that has this ID, or absent. */
  async recordBy(kind: IndexKind, id: Uint8Array): Promise<QueueRecord | undefined> {
    if (!isIdOf(kind, id)) return undefined
    const name = nameOf(kind, id)
    const known = this.#known.get(name)
    if (known !== undefined) {
      const record = await this.record(known)
      if (record !== undefined && hasId(record, kind, id)) return record
      this.#known.delete(name)
    }
    // Without an index something is asked for all the same: an ID that nobody has takes as long as one that somebody has.
    const record = await this.record((await this.read(kind, id)) ?? NOBODY)
    if (record === undefined || !hasId(record, kind, id)) return undefined
    this.#known.set(name, record.recipientId)
    return record
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
