import type { Clock } from "@sluice/ops/clock"
import { RowWorker, type Work } from "./row-worker.ts"

/** Workers side by side, each with the rows of one name; made when there is first something to do. */
export class RowWorkers<T> {
  readonly #clock: Clock
  readonly #workFor: (name: string, first: T) => Work<T>
  readonly #workers = new Map<string, RowWorker<T>>()
  #stopped = false

  constructor(clock: Clock, workFor: (name: string, first: T) => Work<T>) {
    this.#clock = clock
    this.#workFor = workFor
  }

  /** There is something to do with this row, for the worker of this name. */
  wake(name: string, row: T): void {
    if (this.#stopped) return
    const known = this.#workers.get(name)
    const worker = known ?? new RowWorker(this.#clock, this.#workFor(name, row))
    if (known === undefined) this.#workers.set(name, worker)
    worker.wake()
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
  }
}
