import { type Clock, systemClock, type Timer, type TimerOptions } from "@sluice/ops/clock"

/** The machine's clock, whose time of day a test can move: what is old is judged by it, what waits is not. */
export class ShiftedClock implements Clock {
  #shift = 0

  /** Lets so many milliseconds pass at once. */
  skip(ms: number): void {
    this.#shift += ms
  }

  now(): number {
    return systemClock.now() + this.#shift
  }

  monotonic(): number {
    return systemClock.monotonic()
  }

  setTimeout(run: () => void, delay: number, options?: TimerOptions): Timer {
    return systemClock.setTimeout(run, delay, options)
  }
}
