import type { Clock, Timer } from "@sluice/ops/clock"
import { ADD_TO_COUNTS } from "@sluice/redis/add-to-counts"
import type { RedisConnection } from "@sluice/redis/connection"
import { listOf } from "@sluice/redis/redis-command"
import type { StoreCounts } from "../queue-store.ts"
import type { RedisKeys } from "./keys.ts"
import { numberIn } from "./record-fields.ts"

/** How long changes of numbers are gathered before they are sent, in milliseconds. */
const FLUSH_INTERVAL = 1_000

export type CountName = keyof StoreCounts

const NAMES: readonly CountName[] = [
  "queues",
  "messages",
  "notifiers",
  "notifications",
  "services",
  "messageServices",
  "notificationServices",
  "messageServiceQueues",
  "notificationServiceQueues",
]

/**
 * The numbers of what is stored, in one hash. Changes are gathered in this process and sent once a second, so that they cost
 * operations nothing; a node that is killed takes with it what it had gathered. The numbers of other nodes are late by as
 * much. What Redis refused is sent again; where a connection broke before the answer, it may count twice. They are for
 * operators; no operation depends on them.
 */
export class RedisCounts {
  readonly #connection: RedisConnection
  readonly #keys: RedisKeys
  readonly #clock: Clock
  readonly #changes = new Map<CountName, number>()
  #timer: Timer | undefined

  constructor(connection: RedisConnection, keys: RedisKeys, clock: Clock) {
    this.#connection = connection
    this.#keys = keys
    this.#clock = clock
  }

  add(name: CountName, by: number): void {
    if (by === 0) return
    this.#changes.set(name, (this.#changes.get(name) ?? 0) + by)
    this.#timer ??= this.#clock.setTimeout(() => void this.#flushLater(), FLUSH_INTERVAL, { background: true })
  }

  async read(): Promise<StoreCounts> {
    await this.flush()
    const values = listOf(await this.#connection.command(["HMGET", this.#keys.counts(), ...NAMES]))
    const numbers = values.map((value) => (value instanceof Uint8Array ? numberIn(value) : 0))
    return Object.fromEntries(NAMES.map((name, i) => [name, numbers[i] ?? 0])) as unknown as StoreCounts
  }

  /** Replaces all numbers by ones that were counted, while nobody changes anything. */
  async replace(counts: StoreCounts): Promise<void> {
    await this.flush()
    const fields = NAMES.flatMap((name) => [name, counts[name]])
    await this.#connection.run({ steps: [["HSET", this.#keys.counts(), ...fields]], write: true })
  }

  /** Sends what was gathered. What can not be sent stays for the next time. */
  async flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const changes = [...this.#changes]
    if (changes.length === 0) return
    this.#changes.clear()
    try {
      // One script: where Redis refuses it, none of the numbers has changed, and all are sent again.
      const call = { script: ADD_TO_COUNTS, keys: [this.#keys.counts()], args: changes.flat() }
      await this.#connection.run({ steps: [call], write: false })
    } catch (error) {
      for (const [name, by] of changes) this.#changes.set(name, (this.#changes.get(name) ?? 0) + by)
      throw error
    }
  }

  async #flushLater(): Promise<void> {
    try {
      await this.flush()
    } catch {
      // Redis is away, which operations and readiness tell: the numbers wait.
      this.#timer ??= this.#clock.setTimeout(() => void this.#flushLater(), FLUSH_INTERVAL, { background: true })
    }
  }
}
