import type { Clock } from "@sluice/ops/clock"
import { createJobMetrics, type JobMetrics } from "@sluice/ops/job-metrics"
import type { Job, JobRunner } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import type { MetricsRegister } from "@sluice/ops/metrics"
import { type Processor, Queue, WaitingError, Worker } from "bullmq"
import type { RedisConnection } from "./connection.ts"
import { JobsWhileFull } from "./jobs-while-full.ts"
import { toRedisError } from "./redis-error.ts"

/** How jobs are shared out. */
export interface BullmqJobsOptions {
  /** Nodes that use the same connection settings and this name run each job once together. Default `jobs`. */
  readonly name?: string
  /** Milliseconds without a sign of life after which the job of a node that died is run by another one. 30 s. */
  readonly stalledAfter?: number
  /** What a first failure doubles, in milliseconds, unless the interval is shorter. 30 s. */
  readonly shortestBackOff?: number
  /** Longest wait that repeated failures lead to, in milliseconds. 10 min. */
  readonly longestBackOff?: number
  /** Milliseconds between looks whether Redis has room for what is kept of jobs. 30 s. */
  readonly lookForRoom?: number
}

export interface BullmqJobsComponents {
  readonly connection: Pick<RedisConnection, "prefix" | "client" | "onChange" | "command" | "run" | "load">
  readonly clock: Clock
  readonly log: Log
  readonly register: MetricsRegister
}

interface KnownJob {
  readonly job: Job
  readonly metrics: JobMetrics
}

/** The name that BullMQ's back-off has for ours. */
const BACK_OFF = "doubling"
/** Longest wait at the end for what BullMQ has to tell Redis, milliseconds. */
const GOODBYE = 2_000
/** Nodes die in the middle of a job, sometimes the same job again and again: that is no reason to give it up. */
const NEVER = 1_000_000

/**
 * Jobs that a fleet runs once, however many nodes it has, on BullMQ: each run is a job that one of them takes. Runs of all
 * jobs come one after the other, so that none overlaps with itself and a fleet is never busy with several. A failed run is
 * logged and counted by the node that had it and tried again, by any node, after a wait that doubles, as long as the next
 * regular run is further away. A node that dies or is paused loses its run to another. Schedules are made again when Redis
 * comes back without them. While Redis is full the queue stands still, and only jobs that make room run, without it.
 *
 * What is kept is bounded: one hash per job, one entry per run that waits, and about 10,000 events.
 */
export function bullmqJobs(options: BullmqJobsOptions, components: BullmqJobsComponents): JobRunner {
  return new BullmqJobs(options, components)
}

class BullmqJobs implements JobRunner {
  readonly #options: BullmqJobsOptions
  readonly #components: BullmqJobsComponents
  readonly #jobs = new Map<string, KnownJob>()
  readonly #whileFull: JobsWhileFull
  readonly #abort = new AbortController()
  readonly #errors: { value: number }
  #clients: { disconnect(): void }[] = []
  #queue: Queue | undefined
  #worker: Worker | undefined
  #stopped: Promise<void> | undefined
  #endListening: () => void = () => undefined
  /** The runs under way here, by the names of their jobs. */
  readonly #running = new Map<string, Promise<void>>()

  constructor(options: BullmqJobsOptions, components: BullmqJobsComponents) {
    this.#options = options
    this.#components = components
    this.#errors = components.register.counter({
      name: "sluice_job_queue_errors_total",
      help: "Failures of the queue of periodic jobs itself, such as lost connections",
    })
    this.#whileFull = new JobsWhileFull({
      ...components,
      prefix: this.#prefix,
      every: options.lookForRoom ?? 30_000,
      jobs: () => [...this.#jobs.values()].map(({ job }) => job).filter(({ makesRoom }) => makesRoom === true),
      run: (job) => this.#runWithoutQueue(job),
      hasRoom: () => this.#prepareAgain(),
    })
  }

  add(job: Job): void {
    if (this.#jobs.has(job.name)) throw new Error(`a job named ${job.name} exists already`)
    if (!(job.every > 0)) throw new RangeError(`the interval of the job ${job.name} must be positive`)
    this.#jobs.set(job.name, { job, metrics: createJobMetrics(this.#components.register, job.name) })
    if (this.#queue !== undefined) this.#schedule(this.#queue, job).catch((error: unknown) => this.#onError(error))
  }

  async start(): Promise<void> {
    if (this.#queue !== undefined || this.#abort.signal.aborted) return
    const { stalledAfter = 30_000 } = this.#options
    const [name, prefix] = [this.#name, this.#prefix]
    const queue = new Queue(name, { prefix, connection: this.#client(), defaultJobOptions: DEFAULTS })
    queue.on("error", (error) => this.#onError(error))
    this.#queue = queue
    this.#whileFull.start()
    await this.#prepare(queue)
    this.#endListening = this.#components.connection.onChange((isUp) => {
      if (isUp) this.#prepareAgain()
    })
    if (this.#abort.signal.aborted) return
    const worker = new Worker(name, this.#process, {
      prefix,
      connection: this.#client(),
      concurrency: 1,
      lockDuration: stalledAfter,
      stalledInterval: stalledAfter,
      maxStalledCount: NEVER,
      maxStartedAttempts: NEVER,
      settings: { backoffStrategy: (attempts, _type, _error, run) => this.#backOff(run?.name ?? "", attempts) },
    })
    worker.on("error", (error) => this.#onError(error))
    this.#worker = worker
  }

  stop(): Promise<void> {
    this.#abort.abort()
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    this.#endListening()
    await this.#whileFull.stop()
    await Promise.allSettled(this.#running.values())
    // While Redis is away, BullMQ waits for it to say goodbye; nothing depends on that.
    const late = Promise.withResolvers<void>()
    const timer = this.#components.clock.setTimeout(late.resolve, GOODBYE)
    await Promise.race([this.#close(), late.promise])
    timer.cancel()
    for (const client of this.#clients) client.disconnect()
  }

  async #close(): Promise<void> {
    try {
      await this.#worker?.close()
      await this.#queue?.close()
    } catch (error) {
      this.#onError(error)
    }
  }

  get #name(): string {
    return this.#options.name ?? "jobs"
  }

  /** The braces keep all keys in one slot of a Cluster. */
  get #prefix(): string {
    return `{${this.#components.connection.prefix}${this.#name}}`
  }

  #client(): ReturnType<RedisConnection["client"]> {
    const client = this.#components.connection.client()
    client.on("error", (error) => this.#onError(error))
    this.#clients.push(client)
    return client
  }

  /** At the start, and whenever Redis is there or has room again: it may have come back without what it knew. */
  async #prepare(queue: Queue): Promise<void> {
    try {
      await queue.setGlobalConcurrency(1)
      for (const { job } of this.#jobs.values()) await this.#schedule(queue, job)
    } catch (error) {
      // A node can be at work without its schedules; they are made when there is room.
      if (toRedisError(error).code !== "REDIS_FULL") throw error
      this.#whileFull.found(true)
    }
  }

  #prepareAgain(): void {
    if (this.#queue !== undefined) this.#prepare(this.#queue).catch((error: unknown) => this.#onError(error))
  }

  /** Makes the schedule of a job, unless another node did: then the next run stays when it is. */
  async #schedule(queue: Queue, { name, every, firstAfter, aligned }: Job): Promise<void> {
    const data = { attempts: this.#attempts(every) }
    const known = await queue.getJobScheduler(name)
    if (known?.every === every && known.template?.data?.attempts === data.attempts) return
    const now = this.#components.clock.now()
    const startDate = aligned === true ? (Math.floor(now / every) + 1) * every : now + (firstAfter ?? every)
    const opts = { attempts: data.attempts, backoff: { type: BACK_OFF } }
    await queue.upsertJobScheduler(name, { every, startDate }, { name, data, opts })
  }

  readonly #process: Processor = async (run, token, lost) => {
    const known = this.#jobs.get(run.name)
    // Nodes of another version may know it; if none does, this is seen in the metrics of no job, but in the log.
    if (known === undefined) throw new Error(`no job is named ${run.name} in this version of the program`)
    try {
      await this.#run(known, lost)
    } catch (error) {
      if (this.#abort.signal.aborted) {
        // Told to end: another node goes on with it.
        await run.moveToWait(token)
        throw new WaitingError()
      }
      const attempt = run.attemptsMade + 1
      const retry = attempt < (run.opts.attempts ?? 1) ? this.#backOff(run.name, attempt) : known.job.every
      this.#failed(known, attempt, retry, error)
      throw error
    }
  }

  async #runWithoutQueue({ name, every }: Job): Promise<void> {
    const known = this.#jobs.get(name)
    if (known === undefined || this.#running.has(name)) return
    try {
      await this.#run(known)
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#failed(known, 1, every, error)
    }
  }

  /** A run on this node. The one that is under way here will do: then it was begun when the queue was full. */
  #run({ job, metrics }: KnownJob, lost?: AbortSignal): Promise<void> {
    const { clock } = this.#components
    const begun = clock.monotonic()
    const ended = lost === undefined ? this.#abort.signal : AbortSignal.any([this.#abort.signal, lost])
    const running = this.#running.get(job.name)
    if (running !== undefined) return running
    const started = job.run(ended).finally(() => {
      this.#running.delete(job.name)
      metrics.runs.value++
      metrics.seconds.value += (clock.monotonic() - begun) / 1_000
    })
    this.#running.set(job.name, started)
    return started
  }

  #failed({ job, metrics }: KnownJob, attempt: number, retryInMs: number, error: unknown): void {
    metrics.failures.value++
    this.#components.log.warn("job failed", { job: job.name, attempt, retryInMs, error })
  }

  /** Milliseconds to wait after so many failures in a row. */
  #backOff(name: string, failures: number): number {
    const { shortestBackOff = 30_000, longestBackOff = 600_000 } = this.#options
    const every = this.#jobs.get(name)?.job.every ?? shortestBackOff
    return Math.min(Math.min(every, shortestBackOff) * 2 ** failures, longestBackOff)
  }

  /** Runs in all until the waits between them reach the next regular run. */
  #attempts(every: number): number {
    const { shortestBackOff = 30_000, longestBackOff = 600_000 } = this.#options
    let attempts = 1
    let waited = 0
    for (;;) {
      waited += Math.min(shortestBackOff * 2 ** attempts, longestBackOff)
      if (waited >= every) return attempts
      attempts++
    }
  }

  #onError(error: unknown): void {
    this.#errors.value++
    if (!this.#abort.signal.aborted) this.#components.log.debug("the queue of jobs failed", { error })
  }
}

/** Nothing is kept of a run that ended: its figures are metrics. */
const DEFAULTS = { removeOnComplete: true, removeOnFail: true } as const
