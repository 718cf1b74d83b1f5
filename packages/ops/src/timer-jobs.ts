import type { Clock, Timer } from "./clock.ts"
import { createJobMetrics, type JobMetrics } from "./job-metrics.ts"
import type { Job, JobRunner } from "./jobs.ts"
import type { Log } from "./log.ts"
import type { MetricsRegister } from "./metrics.ts"

/** How jobs are timed. */
export interface TimerJobsOptions {
  /** Part of the interval by which each wait varies, so that nodes started together spread out. 0.1 is ±10 %. */
  readonly jitter?: number
  /** What a first failure doubles, in milliseconds, unless the interval is shorter. 30 s. */
  readonly shortestBackOff?: number
  /** Longest wait that repeated failures lead to, in milliseconds; never less than the job's interval. 10 min. */
  readonly longestBackOff?: number
}

/** What timer jobs are built on. */
export interface TimerJobsComponents {
  readonly clock: Clock
  readonly log: Log
  readonly register: MetricsRegister
  /** A number from 0 up to 1, such as `Math.random`. */
  readonly random: () => number
}

/**
 * Jobs on the timers of this process. A failed run is logged and counted and tried again: a rare job sooner than its
 * interval, a frequent one later, and each further failure in a row doubles the wait.
 */
export function timerJobs(options: TimerJobsOptions, components: TimerJobsComponents): JobRunner {
  return new TimerJobs(options, components)
}

class TimerJobs implements JobRunner {
  readonly #options: TimerJobsOptions
  readonly #components: TimerJobsComponents
  readonly #jobs = new Map<string, Repeated>()
  #state: "new" | "running" | "stopped" = "new"

  constructor(options: TimerJobsOptions, components: TimerJobsComponents) {
    this.#options = options
    this.#components = components
  }

  add(job: Job): void {
    if (this.#jobs.has(job.name)) throw new Error(`a job named ${job.name} exists already`)
    if (!(job.every > 0)) throw new RangeError(`the interval of the job ${job.name} must be positive`)
    const repeated = new Repeated(job, this.#options, this.#components)
    this.#jobs.set(job.name, repeated)
    if (this.#state === "running") repeated.start()
  }

  async start(): Promise<void> {
    if (this.#state !== "new") return
    this.#state = "running"
    for (const job of this.#jobs.values()) job.start()
  }

  async stop(): Promise<void> {
    this.#state = "stopped"
    await Promise.all([...this.#jobs.values()].map((job) => job.stop()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** One job and its timer. */
class Repeated {
  readonly #job: Job
  readonly #jitter: number
  readonly #shortestBackOff: number
  readonly #longestBackOff: number
  readonly #components: TimerJobsComponents
  readonly #metrics: JobMetrics
  readonly #abort = new AbortController()
  #timer: Timer | undefined
  #running: Promise<void> | undefined
  #failures = 0

  constructor(job: Job, options: TimerJobsOptions, components: TimerJobsComponents) {
    this.#job = job
    this.#jitter = options.jitter ?? 0.1
    this.#shortestBackOff = Math.min(job.every, options.shortestBackOff ?? 30_000)
    this.#longestBackOff = Math.max(job.every, options.longestBackOff ?? 600_000)
    this.#components = components
    this.#metrics = createJobMetrics(components.register, job.name)
  }

  start(): void {
    const { aligned, firstAfter, every } = this.#job
    if (aligned === true) this.#scheduleAligned()
    else this.#schedule(firstAfter ?? this.#spread(every))
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#abort.abort()
    await this.#running
  }

  #schedule(delay: number): void {
    if (this.#abort.signal.aborted) return
    this.#timer = this.#components.clock.setTimeout(() => {
      this.#running = this.#run()
    }, delay)
  }

  /** Waits for the next multiple of the interval on the wall clock, again if the timer was early by that clock. */
  #scheduleAligned(): void {
    const { clock } = this.#components
    const { every } = this.#job
    const due = (Math.floor(clock.now() / every) + 1) * every
    const wait = (): void => {
      if (this.#abort.signal.aborted) return
      this.#timer = clock.setTimeout(() => {
        if (clock.now() < due) wait()
        else this.#running = this.#run()
      }, due - clock.now())
    }
    wait()
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#components
    const begun = clock.monotonic()
    try {
      await this.#job.run(this.#abort.signal)
      this.#failures = 0
    } catch (error) {
      // Ending with an error because it was told to end is not a failure.
      if (!this.#abort.signal.aborted) {
        this.#failures++
        this.#metrics.failures.value++
        log.warn("job failed", {
          job: this.#job.name,
          attempt: this.#failures,
          retryInMs: Math.round(this.#backOff()),
          error,
        })
      }
    } finally {
      this.#metrics.runs.value++
      this.#metrics.seconds.value += (clock.monotonic() - begun) / 1_000
      this.#running = undefined
    }
    if (this.#failures > 0) this.#schedule(this.#spread(this.#backOff()))
    else if (this.#job.aligned === true) this.#scheduleAligned()
    else this.#schedule(this.#spread(this.#job.every))
  }

  #backOff(): number {
    return Math.min(this.#shortestBackOff * 2 ** this.#failures, this.#longestBackOff)
  }

  #spread(delay: number): number {
    return delay * (1 + this.#jitter * (2 * this.#components.random() - 1))
  }
}
