/** Work that is repeated: expiry, daily statistics, checks of certificates. The same on timers and in a cluster. */
export interface Job {
  /** Fixed word in the code, such as `expire-messages`; it appears in logs and metrics and must be unique. */
  readonly name: string
  /**
   * `fleet`: once for all nodes that share a store, whichever does it. `node`: in every process, since it is about that
   * process. Where one process is all there is, it makes no difference. Default `node`.
   */
  readonly scope?: "fleet" | "node"
  /** Milliseconds between runs, roughly: runners spread them, and wait differently after a failure. */
  readonly every: number
  /** Milliseconds before the first run; by default `every`. */
  readonly firstAfter?: number
  /**
   * Run when the clock shows a multiple of `every` since the Unix epoch, without jitter: a day gives midnight UTC.
   * `firstAfter` is not used then.
   */
  readonly aligned?: boolean
  /**
   * It removes what is not needed any more, and needs no room for that. Where what is kept of jobs has no room, those that
   * make some run nevertheless. A run more than was due must do no harm. Default false.
   */
  readonly makesRoom?: boolean
  /** Does the work. When the signal aborts, it should finish what it has begun and return soon. */
  run(signal: AbortSignal): Promise<void>
}

/** Runs jobs: on timers in one process, or each once in a fleet. A job never overlaps with itself. */
export interface JobRunner extends AsyncDisposable {
  /** Adds a job, before or after `start`. Throws if the name is taken. */
  add(job: Job): void
  /** Begins to run jobs. */
  start(): Promise<void>
  /** Runs nothing more, aborts the signals of the running jobs and waits for them. Can be called twice. */
  stop(): Promise<void>
}
