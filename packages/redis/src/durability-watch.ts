import type { Clock, Timer } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { RedisConnection } from "./connection.ts"
import { checkDurability, type Finding } from "./durability.ts"
import { toRedisError } from "./redis-error.ts"

/** How often Redis is looked at, in milliseconds, and how often while something is wrong with it. */
const EVERY = 300_000
const EVERY_WHILE_WRONG = 30_000
/** A change of servers seldom comes alone: the look waits for as long, in milliseconds, and is one for all of them. */
const SETTLED = 1_000

/** What is known of Redis' own configuration, beside the one that asks something of it. */
export interface DurabilityWatch {
  /**
   * Whether Redis is set up for what `redis.durability` promises, as of the last look. Absent where it may not be looked
   * at, and nothing else is wrong.
   */
  readonly kept: boolean | undefined
}

type WatchedRedis = Pick<RedisConnection, "nodes" | "config" | "onServers" | "closed">

export interface DurabilityWatchParts {
  readonly clock: Clock
  readonly log: Log
}

/**
 * Looks at Redis' own configuration now, after every connection to a server and every change of primaries, and every five
 * minutes, until the connection is closed: it may be started with other settings than before, replaced by a server that was
 * set up otherwise, or changed while it runs. What is found is logged once, until it was gone; nothing follows from it. A look
 * is three commands for each primary, and there is at most one each second. Rejects with `RedisError` when Redis is away at the first look; later
 * the look is made when it is back.
 */
export async function watchDurability(redis: WatchedRedis, parts: DurabilityWatchParts): Promise<DurabilityWatch> {
  const watch = new Watch(redis, parts)
  await watch.begin()
  return watch
}

class Watch implements DurabilityWatch {
  readonly #redis: WatchedRedis
  readonly #parts: DurabilityWatchParts
  #findings: readonly Finding[] = []
  #timer: Timer | undefined
  /** The next look is because of a change of servers. */
  #hurried = false
  #looking = false

  constructor(redis: WatchedRedis, parts: DurabilityWatchParts) {
    this.#redis = redis
    this.#parts = parts
  }

  get kept(): boolean | undefined {
    if (this.#findings.some(({ code }) => code !== "NOT_ALLOWED_TO_LOOK")) return false
    return this.#findings.length === 0 ? true : undefined
  }

  async begin(): Promise<void> {
    this.#redis.onServers(() => this.#hurry())
    this.#redis.closed.addEventListener("abort", () => this.#timer?.cancel(), { once: true })
    await this.#look()
    this.#plan()
  }

  #hurry(): void {
    if (this.#hurried) return
    this.#hurried = true
    this.#wait(SETTLED)
  }

  #plan(): void {
    if (!this.#hurried) this.#wait(this.#findings.length === 0 ? EVERY : EVERY_WHILE_WRONG)
  }

  #wait(delay: number): void {
    this.#timer?.cancel()
    if (this.#redis.closed.aborted) return
    this.#timer = this.#parts.clock.setTimeout(() => void this.#lookAgain(), delay, { background: true })
  }

  async #lookAgain(): Promise<void> {
    // The look under way may have been at what was before.
    if (this.#looking) {
      this.#wait(SETTLED)
      return
    }
    this.#hurried = false
    try {
      await this.#look()
    } catch (error) {
      this.#parts.log.debug("could not look at the configuration of Redis", { error: toRedisError(error).message })
    }
    this.#plan()
  }

  async #look(): Promise<void> {
    this.#looking = true
    try {
      this.#tell(await checkDurability(this.#redis))
    } finally {
      this.#looking = false
    }
  }

  #tell(found: readonly Finding[]): void {
    const { log } = this.#parts
    const before = new Set(this.#findings.map(({ code }) => code))
    this.#findings = found
    for (const { code, advice } of found) if (!before.has(code)) log.warn(advice, { code })
    if (found.length === 0 && before.size > 0) log.info("Redis is set up for the durability asked for again")
  }
}
