import type { Clock, Timer } from "@sluice/ops/clock"

/** When a connection to a relay counts as dead (proxy.md §8). Durations in ms. */
export interface SilenceRules {
  /** Silence after which the monitor looks, and how often it looks from then on. */
  readonly interval: number
  /** Request time-outs in a row ... */
  readonly timeouts: number
  /** ... and silence that must both be exceeded. */
  readonly silence: number
}

/**
 * Watches one connection on which nothing is sent just to hear an answer: neither pings nor subscriptions. Answers only
 * note the time, the timer looks at it when it fires.
 */
export class SilenceMonitor {
  readonly #rules: SilenceRules
  readonly #clock: Clock
  readonly #drop: () => void
  #lastReceived: number
  #timeouts = 0
  #timer: Timer

  /** `drop` is called once at most, from a timer or from {@link timedOut}. */
  constructor(rules: SilenceRules, clock: Clock, drop: () => void) {
    this.#rules = rules
    this.#clock = clock
    this.#drop = drop
    this.#lastReceived = clock.monotonic()
    this.#timer = this.#look(rules.interval)
  }

  /** Requests that timed out since something was last received. */
  get timeouts(): number {
    return this.#timeouts
  }

  /** Something came. */
  received(): void {
    this.#lastReceived = this.#clock.monotonic()
    this.#timeouts = 0
  }

  /** A request was not answered in time. */
  timedOut(): void {
    this.#timeouts++
    this.#judge()
  }

  stop(): void {
    this.#timer.cancel()
  }

  #look(delay: number): Timer {
    const run = (): void => {
      const remaining = this.#lastReceived + this.#rules.interval - this.#clock.monotonic()
      this.#timer = this.#look(remaining > 0 ? remaining : this.#rules.interval)
      if (remaining <= 0) this.#judge()
    }
    return this.#clock.setTimeout(run, delay, { background: true })
  }

  #judge(): void {
    const silence = this.#clock.monotonic() - this.#lastReceived
    if (this.#timeouts < this.#rules.timeouts || silence <= this.#rules.silence) return
    this.stop()
    this.#drop()
  }
}
