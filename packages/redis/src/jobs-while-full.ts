import type { Clock, Timer } from "@sluice/ops/clock"
import type { Job } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import type { MetricsRegister } from "@sluice/ops/metrics"
import type { RedisConnection } from "./connection.ts"
import { toRedisError } from "./redis-error.ts"
import { type Script, script } from "./script.ts"

/** Longest time between two runs of a job while Redis is full, in milliseconds. */
const LONGEST_PAUSE = 600_000
/** Renewals of a turn in its time, while the run lasts. */
const RENEWALS = 3

/**
 * Gives a turn to the first who asks, and to nobody else until it ends. Keys: the turn. Arguments: milliseconds. A key of a
 * hundred bytes is all the memory that it needs, for what frees some.
 */
const TAKE_TURN: Script = script({
  name: "jobs: take a turn",
  keys: 1,
  withoutMemory: true,
  lua: "return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) and 1 or 0",
})

export interface JobsWhileFullParts {
  readonly connection: Pick<RedisConnection, "command" | "run" | "load">
  readonly clock: Clock
  readonly log: Log
  readonly register: MetricsRegister
  /** What keys begin with, in the slot of the queue. */
  readonly prefix: string
  /** Milliseconds between looks. */
  readonly every: number
  /** Those that make room, at this time. */
  readonly jobs: () => Iterable<Job>
  /** One run, counted and logged like any other. */
  readonly run: (job: Job) => Promise<void>
  /** Called when there is room again. */
  readonly hasRoom: () => void
}

/**
 * The jobs that make room, while Redis has none for the queue that all jobs are in: that queue stands still then, because
 * even to take a job writes. All nodes look from time to time whether it could be written. When it can not, each job gets a
 * turn at once and after its interval, ten minutes at the most, on the node that comes first. The queue goes on by itself
 * when there is room, and repeats a run that had become due; that does no harm to what only removes what is old.
 */
export class JobsWhileFull {
  readonly #parts: JobsWhileFullParts
  readonly #abort = new AbortController()
  #timer: Timer | undefined
  #looking: Promise<void> = Promise.resolve()
  #isFull = false

  constructor(parts: JobsWhileFullParts) {
    this.#parts = parts
    const help = "1 while Redis has no room for the queue of periodic jobs, as of the last look"
    parts.register.gaugeFrom({ name: "sluice_job_queue_full", help }, () => (this.#isFull ? 1 : 0))
  }

  start(): void {
    this.#parts.connection.load([TAKE_TURN])
    this.#timer = this.#parts.clock.setTimeout(
      () => {
        this.#looking = this.#look()
      },
      this.#parts.every,
      { background: true },
    )
  }

  /** Begins nothing more, and waits for what was begun. */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#timer?.cancel()
    await this.#looking
  }

  /** Whether Redis has refused something for lack of room, or taken it. When that changes, it is logged. */
  found(isFull: boolean): void {
    const { log, hasRoom } = this.#parts
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    if (isFull) {
      log.warn("Redis has no room for the queue of jobs: those that make some run without it")
    } else {
      log.info("Redis has room for the queue of jobs again")
      hasRoom()
    }
  }

  async #look(): Promise<void> {
    try {
      this.found(await this.#full())
      if (this.#isFull) await this.#makeRoom()
    } catch (error) {
      // Away, or not able to write for another reason: nothing can be removed either.
      this.#parts.log.debug("could not run jobs without their queue", { error })
    }
    this.#timer?.refresh()
  }

  /** Whether Redis refuses what needs room. */
  async #full(): Promise<boolean> {
    const { connection, prefix, every } = this.#parts
    try {
      await connection.command(["SET", `${prefix}:room`, "1", "PX", 2 * every])
      return false
    } catch (error) {
      if (toRedisError(error).code === "REDIS_FULL") return true
      throw error
    }
  }

  async #makeRoom(): Promise<void> {
    const { connection, clock, prefix, jobs, run } = this.#parts
    for (const job of jobs()) {
      if (this.#abort.signal.aborted) return
      const key = `${prefix}:turn:${job.name}`
      const pause = Math.ceil(Math.min(job.every, LONGEST_PAUSE))
      const [taken] = await connection.run({ steps: [{ script: TAKE_TURN, keys: [key], args: [pause] }], write: false })
      if (taken !== 1) continue
      const renewal = clock.setTimeout(
        () => {
          // One that fails leaves the others, and a turn that is lost costs a run more than was needed.
          connection.command(["PEXPIRE", key, pause]).catch(toRedisError)
          renewal.refresh()
        },
        pause / RENEWALS,
        { background: true },
      )
      try {
        await run(job)
      } finally {
        renewal.cancel()
      }
    }
  }
}
