import type { Job, JobRunner } from "@sluice/ops/jobs"

/**
 * Jobs that one of several processes runs for all: nothing runs before the process is chosen to lead. Once chosen, it
 * leads to its end.
 */
export class LeaderJobs implements JobRunner {
  readonly #inner: JobRunner
  readonly #chosen: Promise<void>
  #stopped = false

  constructor(inner: JobRunner, chosen: Promise<void>) {
    this.#inner = inner
    this.#chosen = chosen
  }

  add(job: Job): void {
    this.#inner.add(job)
  }

  async start(): Promise<void> {
    void this.#chosen.then(() => (this.#stopped ? undefined : this.#inner.start()))
  }

  stop(): Promise<void> {
    this.#stopped = true
    return this.#inner.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
