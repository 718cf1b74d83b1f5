import { setImmediate } from "node:timers/promises"
import type { Clock, Timer } from "./clock.ts"

/** A clock for tests: time passes only in {@link ManualClock.advance}. */
export class ManualClock implements Clock {
  readonly #timers = new Set<ManualTimer>()
  #elapsed = 0
  #wallStart: number
  #order = 0

  /** @param start the time that {@link now} gives at first, by default 2025-01-01 00:00 UTC */
  constructor(start: number = Date.UTC(2025, 0, 1)) {
    this.#wallStart = start
  }

  now(): number {
    return Math.floor(this.#wallStart + this.#elapsed)
  }

  monotonic(): number {
    return this.#elapsed
  }

  setTimeout(run: () => void, delay: number): Timer {
    const set = (timer: ManualTimer): void => {
      timer.due = this.#elapsed + Math.max(0, delay)
      timer.order = this.#order++
      this.#timers.add(timer)
    }
    let cancelled = false
    const timer: ManualTimer = {
      run,
      due: 0,
      order: 0,
      cancel: () => {
        cancelled = true
        this.#timers.delete(timer)
      },
      refresh: () => {
        if (!cancelled) set(timer)
      },
    }
    set(timer)
    return timer
  }

  /** Number of timers that are set. */
  get pending(): number {
    return this.#timers.size
  }

  /** Sets the wall clock, as an administrator or NTP would; spans and timers are not affected. */
  setNow(time: number): void {
    this.#wallStart = time - this.#elapsed
  }

  /** Lets `ms` milliseconds pass and runs the timers that become due, each at its own time, in order. */
  advance(ms: number): void {
    const end = this.#elapsed + ms
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) this.#fire(timer)
    this.#elapsed = end
  }

  /** Like {@link advance}, but lets promises and immediates settle before and after every timer. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#elapsed + ms
    await setImmediate()
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#fire(timer)
      await setImmediate()
    }
    this.#elapsed = end
    await setImmediate()
  }

  #next(end: number): ManualTimer | undefined {
    let first: ManualTimer | undefined
    for (const timer of this.#timers) {
      if (timer.due > end) continue
      if (first === undefined || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) {
        first = timer
      }
    }
    return first
  }

  #fire(timer: ManualTimer): void {
    this.#elapsed = Math.max(this.#elapsed, timer.due)
    this.#timers.delete(timer)
    timer.run()
  }
}

interface ManualTimer extends Timer {
  readonly run: () => void
  due: number
  order: number
}
