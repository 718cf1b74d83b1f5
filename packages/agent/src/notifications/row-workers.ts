import type { Clock } from "@sluice/ops/clock"
import { type Job, RowWorker } from "./row-worker.ts"

/** Work that several workers do side by side, each with some of the rows. */
export interface DividedWork<T> {
  /** Everything that there may be something to do about. */
  rows(): Iterable<T>
  /** The name of the worker for this row; `undefined` if there is nothing to do. */
  workerOf(row: T): string | undefined
  jobOf(row: T): Job<T>
  /** Does what is to be done about some rows of one worker; gives those that failed for now. */
  run(rows: readonly T[]): Promise<readonly T[]>
  /** A worker has failed again and again in a way that nobody foresaw. */
  crashed(error: unknown): void
}

/** The workers of divided work; each is made when there is first something to do for it. */
export class RowWorkers<T> {
  readonly #clock: Clock
  readonly #work: DividedWork<T>
  readonly #workers = new Map<string, RowWorker<T>>()
  #stopped = false

  constructor(clock: Clock, work: DividedWork<T>) {
    this.#clock = clock
    this.#work = work
  }

  /** Lets the worker of a row look at it, if there is something to do. */
  wake(row: T): void {
    const name = this.#work.workerOf(row)
    if (name === undefined || this.#stopped) return
    const known = this.#workers.get(name)
    const worker = known ?? this.#make(name)
    if (known === undefined) this.#workers.set(name, worker)
    worker.wake()
  }

  /** Everything that there is, e.g. after a start. */
  wakeAll(): void {
    for (const row of this.#work.rows()) this.wake(row)
  }

  /** Tries at once what waits: the network is back. */
  retryNow(): void {
    for (const worker of this.#workers.values()) worker.retryNow()
  }

  /** Begins nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()))
  }

  /** Goes on after {@link stop}. */
  resume(): void {
    this.#stopped = false
    for (const worker of this.#workers.values()) worker.resume()
    this.wakeAll()
  }

  #make(name: string): RowWorker<T> {
    const work = this.#work
    return new RowWorker<T>(this.#clock, {
      jobs: () => this.#jobs(name),
      run: (rows) => work.run(rows),
      idOf: (row) => work.jobOf(row).id,
      crashed: (error) => work.crashed(error),
    })
  }

  *#jobs(name: string): Iterable<Job<T>> {
    const work = this.#work
    for (const row of work.rows()) if (work.workerOf(row) === name) yield work.jobOf(row)
  }
}
