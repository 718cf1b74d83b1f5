import type { Clock } from "../src/clock.ts"

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #now = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#now
  }

  /** The real one: test servers make their certificates for it. */
  unixSeconds(): number {
    return Math.floor(Date.now() / 1000)
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size
  }

  /** Milliseconds until the next timer fires, `undefined` if there is none. */
  get next(): number | undefined {
    const first = this.#first(Number.POSITIVE_INFINITY)
    return first === undefined ? undefined : first.at - this.#now
  }

  /** Moves the time on and fires in order what becomes due, also what these timers add. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let timer = this.#first(end); timer !== undefined; timer = this.#first(end)) {
      this.#timers.delete(timer)
      this.#now = timer.at
      timer.run()
    }
    this.#now = end
  }

  #first(until: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= until && (first === undefined || timer.at < first.at)) first = timer
    }
    return first
  }
}
