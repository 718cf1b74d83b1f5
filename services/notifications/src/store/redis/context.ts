import type { CryptoBackend } from "@sluice/crypto/backend"
import { DecodeError } from "@sluice/encoding/errors"
import type { Server } from "@sluice/encoding/server-address"
import type { Clock } from "@sluice/ops/clock"
import type { Lru } from "@sluice/ops/lru"
import { ADD_TO_COUNTS } from "@sluice/redis/add-to-counts"
import type { RedisConnection } from "@sluice/redis/connection"
import { type Argument, listOf, type Reply, textOf } from "@sluice/redis/redis-command"
import { RedisError } from "@sluice/redis/redis-error"
import type { Script } from "@sluice/redis/script"
import type { RelayId } from "../ntf-store.ts"
import { StoreError } from "../store-error.ts"
import type { NtfKeys } from "./keys.ts"

/** What this node knows of the fleet. A node that is alone owns every relay. */
export interface FleetView {
  /** Nodes that live, as far as is known here, this one included. */
  readonly nodes: () => readonly string[]
  /** The fence under which this node owns a relay; 0 when it does not. */
  readonly fence: (relayId: RelayId) => number
  /** Milliseconds without a sign of life after which a node counts as dead. */
  readonly lease: number
}

/** Where the subscription of a notifier is kept. */
export interface Owner {
  readonly tokenId: Uint8Array
  readonly subscriptionId: Uint8Array
}

/** What every operation works with. */
export interface RedisContext {
  readonly connection: RedisConnection
  readonly keys: NtfKeys
  readonly crypto: CryptoBackend
  readonly clock: Clock
  /** Name of this node in claims. */
  readonly node: string
  readonly fleet: FleetView | undefined
  /** Milliseconds after which it is looked whether the node that holds a claim is still there. */
  readonly lease: number
  /** Tokens of subscriptions, whose ids are never given out again. */
  readonly tokensOf: Lru<string, Uint8Array>
  /** Who gets the notifications of a queue, as it was; the registration says whether that still holds. */
  readonly owners: Lru<string, Owner>
  /** Addresses of relays, which their ids are hashes of. */
  readonly servers: Lru<string, Server>
  /** Scores of this node's claims in the lists of pushes. */
  readonly claims: Map<string, number>
}

/** The answer of a script: its first word and the values behind it. */
export interface Answer {
  readonly word: string
  readonly values: readonly (Reply | undefined)[]
}

/** A change by one script. */
export async function change(
  c: RedisContext,
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<Answer> {
  const [reply] = await c.connection.run({ steps: [{ script, keys, args }], write: true })
  return answerOf(reply)
}

/** A script that only reads, or whose change does not have to last. */
export async function ask(
  c: RedisContext,
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<Answer> {
  const [reply] = await c.connection.run({ steps: [{ script, keys, args }], write: false })
  return answerOf(reply)
}

/**
 * Waits for what follows from a change that is done and stays: entries of indexes and lists, numbers. Where Redis fails
 * now, the sweep does it later.
 */
export async function tidy(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === "rejected" && !(result.reason instanceof RedisError)) throw result.reason
  }
}

/** Changes the numbers that `counts()` gives. They are for operators: nothing depends on them. */
export function addToCounts(
  c: RedisContext,
  what: "tokens" | "subscriptions" | "notifications",
  n: number,
): Promise<unknown> {
  if (n === 0) return Promise.resolve()
  const call = { script: ADD_TO_COUNTS, keys: [c.keys.counts()], args: [what, n] }
  return c.connection.run({ steps: [call], write: false })
}

/** The fence that changes of a relay are made under: none where nodes do not share them. */
export function fenceOf({ fleet }: RedisContext, relayId: RelayId): string {
  return fleet === undefined ? "" : String(fleet.fence(relayId))
}

/** An own copy of the bytes of an answer; nothing for none. */
export function copyIn(reply: Reply | undefined): Uint8Array | undefined {
  return reply instanceof Uint8Array ? new Uint8Array(reply) : undefined
}

/** Bytes that have to be there. */
export function bytesIn(reply: Reply | undefined): Uint8Array {
  const bytes = copyIn(reply)
  if (bytes === undefined) throw new DecodeError("stored record: missing")
  return bytes
}

export function numberIn(reply: Reply | undefined): number {
  if (typeof reply === "number") return reply
  const value = reply instanceof Uint8Array ? Number(textOf(reply)) : 0
  if (!Number.isSafeInteger(value)) throw new DecodeError("stored record: not a number")
  return value
}

export function unexpected({ word }: Answer): DecodeError {
  return new DecodeError(`a script answered ${word}`)
}

/** What went wrong, in terms of the interface; the cause keeps the details for operators. */
export function toStoreError(cause: unknown, operation: string): StoreError {
  if (cause instanceof StoreError) return cause
  if (cause instanceof DecodeError) return new StoreError("CORRUPT", operation, { cause })
  const problem = cause instanceof RedisError ? cause.problem : undefined
  if (problem?.code === "REDIS_CLOSED") return new StoreError("CLOSED", operation, { cause })
  const foreign = problem?.code === "REDIS_FAILED" && (problem.reply === "WRONGTYPE" || problem.reply === "TYPE")
  return new StoreError(foreign ? "CORRUPT" : "UNAVAILABLE", operation, { cause })
}

function answerOf(reply: Reply | undefined): Answer {
  const [word, ...values] = listOf(reply)
  return { word: textOf(word), values }
}
