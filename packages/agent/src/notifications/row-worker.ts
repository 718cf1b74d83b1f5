import { idKey } from "@sluice/encoding/bytes"
import type { Clock, Timer } from "@sluice/ops/clock"
import { firstRetry, nextRetry, type RetrySchedule } from "../connection/retry.ts"
import type { RetryState } from "../store/records.ts"

/** Waits after an error that may be over soon (notifications-client.md §4.5). */
export const NTF_RETRY: RetrySchedule = { first: 2000, growsAfter: 10_000, factor: 1.5, max: 180_000 }

/** Rows that are worked on together. */
const BATCH = 150

/** A worker that fails so often within a minute has a defect, and is not started again. */
const MOST_CRASHES = 5
const CRASH_SPAN = 60_000

/** Something to do. */
export interface Job<T> {
  /** Names it: what failed for now is known by it. */
  readonly id: Uint8Array
  /** Not before this time, ms since the epoch; earlier ones come first. */
  readonly at: number
  /** It was set anew, which ends the wait after a failure. */
  readonly fresh: boolean
  readonly row: T
}

/** What a worker does. */
export interface Work<T> {
  /** Everything that there is to do, in any order. */
  jobs(): Iterable<Job<T>>
  /** Does it; gives those that failed for now. */
  run(rows: readonly T[]): Promise<readonly T[]>
  idOf(row: T): Uint8Array
  /** It has failed again and again in a way that nobody foresaw. */
  crashed(error: unknown): void
}

interface Waiting {
  readonly state: RetryState
  readonly until: number
}

/** Does what is to be done with one server, in batches, and again after a while what failed for now. */
export class RowWorker<T> {
  readonly #clock: Clock
  readonly #work: Work<T>
  readonly #waiting = new Map<string, Waiting>()
  #running: Promise<void> | undefined
  #again = false
  #stopped = false
  #timer: Timer | undefined
  #crashes: number[] = []

  constructor(clock: Clock, work: Work<T>) {
    this.#clock = clock
    this.#work = work
  }

  /** There may be something to do. */
  wake(): void {
    this.#again = true
    if (this.#stopped || this.#running !== undefined) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      if (this.#again) this.wake()
    })
  }

  /** Tries at once what waits: the network is back. */
  retryNow(): void {
    this.#waiting.clear()
    this.wake()
  }

  /** Begins nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    await this.#running
  }

  resume(): void {
    this.#stopped = false
    this.retryNow()
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        this.#again = false
        const due = this.#due()
        if (due.length === 0) return
        const failed = new Set((await this.#work.run(due)).map((row) => idKey(this.#work.idOf(row))))
        for (const row of due) this.#ended(idKey(this.#work.idOf(row)), failed)
      }
      this.#again = false
    } catch (error) {
      this.#crashed(error)
    }
  }

  /** The first of what is due; nothing, and a timer, if all of it is for later. */
  #due(): T[] {
    const now = this.#clock.now()
    const due: Job<T>[] = []
    let next = Infinity
    for (const job of this.#work.jobs()) {
      const key = idKey(job.id)
      if (job.fresh) this.#waiting.delete(key)
      const at = Math.max(job.at, this.#waiting.get(key)?.until ?? 0)
      if (at <= now) due.push(job)
      else next = Math.min(next, at)
    }
    if (due.length === 0 && next !== Infinity) this.#wakeIn(next - now)
    return due
      .sort((a, b) => a.at - b.at)
      .slice(0, BATCH)
      .map(({ row }) => row)
  }

  #ended(key: string, failed: ReadonlySet<string>): void {
    const before = this.#waiting.get(key)?.state
    this.#waiting.delete(key)
    if (!failed.has(key)) return
    const state = before === undefined ? firstRetry(NTF_RETRY) : nextRetry(before, NTF_RETRY)
    this.#waiting.set(key, { state, until: this.#clock.now() + state.delay })
  }

  #wakeIn(ms: number): void {
    this.#timer = this.#clock.setTimeout(() => this.wake(), ms, { background: true })
  }

  #crashed(error: unknown): void {
    const now = this.#clock.now()
    this.#crashes = [...this.#crashes.filter((at) => now - at < CRASH_SPAN), now]
    if (this.#crashes.length < MOST_CRASHES) {
      this.#again = true
      return
    }
    this.#again = false
    this.#work.crashed(error)
  }
}
