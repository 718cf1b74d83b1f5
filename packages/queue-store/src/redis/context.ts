import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Clock } from "@sluice/ops/clock"
import type { RedisConnection } from "@sluice/redis/connection"
import { type Argument, type CommandLine, listOf, type Reply, textOf } from "@sluice/redis/redis-command"
import { RedisError } from "@sluice/redis/redis-error"
import type { Script } from "@sluice/redis/script"
import type { Refused } from "../queue-store.ts"
import type { QueueRecord } from "../records.ts"
import type { RedisCounts } from "./counts.ts"
import type { Indexes } from "./indexes.ts"
import type { QueueKeys, RedisKeys } from "./keys.ts"
import type { Lanes } from "./lanes.ts"
import type { BodyNames } from "./operations/message-items.ts"
import { recordOf, statusOf } from "./record-fields.ts"
import { RedisDataError } from "./redis-errors.ts"
import type { RememberedQueues } from "./remembered-queues.ts"

/** What every operation works with. */
export interface RedisContext {
  readonly connection: RedisConnection
  readonly keys: RedisKeys
  readonly indexes: Indexes
  readonly remembered: RememberedQueues
  readonly counts: RedisCounts
  readonly lanes: Lanes
  readonly bodyNames: BodyNames
  readonly crypto: CryptoBackend
  readonly clock: Clock
}

/** The answer of a script: its first word and the values behind it. */
export interface Answer {
  readonly word: string
  readonly values: readonly (Reply | undefined)[]
}

/** A change by one script, with commands in front of it that may be repeated. */
export async function change(
  c: RedisContext,
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
  before: readonly CommandLine[] = [],
): Promise<Answer> {
  const replies = await c.connection.run({ steps: [...before, { script, keys, args }], write: true })
  return answerOf(replies[before.length])
}

/**
 * Waits for what follows from a change that is done and stays: indexes, lists and sets that name a queue no more. Where Redis
 * fails now, the sweep does it later.
 */
export async function tidy(work: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === "rejected" && !(result.reason instanceof RedisError)) throw result.reason
  }
}

/** A script that only reads. */
export async function read(
  c: RedisContext,
  script: Script,
  keys: readonly string[],
  args: readonly Argument[] = [],
): Promise<Answer> {
  const [reply] = await c.connection.run({ steps: [{ script, keys, args }], write: false })
  return answerOf(reply)
}

/** A change of one queue, behind those that were started before it. */
export function onQueue<T>(c: RedisContext, recipientId: Uint8Array, run: (keys: QueueKeys) => Promise<T>): Promise<T> {
  const keys = c.keys.queue(recipientId)
  return c.lanes.run(keys.record, () => run(keys))
}

/** Why a script refused. */
export function refusedBy({ word, values }: Answer): Refused {
  if (word === "blocked") {
    const status = statusOf(bytesIn(values[0]))
    if (status.tag === "blocked") return { ok: false, refusal: "blocked", info: status.info }
  }
  switch (word) {
    case "no-queue":
    case "other-key":
    case "wrong-mode":
    case "secured":
    case "link-differs":
    case "no-link":
    case "id-taken":
      return { ok: false, refusal: word }
    default:
      throw new RedisDataError(`a script answered ${word}`)
  }
}

/** The record that a script gives. */
export function recordIn(recipientId: Uint8Array, value: Reply | undefined): QueueRecord {
  const record = recordOf(recipientId, listOf(value))
  if (record === undefined) throw new RedisDataError("a record is missing")
  return record
}

/** Bytes, or nothing. */
export function bytesIn(value: Reply | undefined): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined
}

/** A number, or none of it. */
export function countIn(value: Reply | undefined): number {
  return typeof value === "number" ? value : 0
}

function answerOf(reply: Reply | undefined): Answer {
  const [word, ...values] = listOf(reply)
  const answer = { word: textOf(word), values }
  if (answer.word === "corrupt") throw new RedisDataError("a body is missing")
  return answer
}
