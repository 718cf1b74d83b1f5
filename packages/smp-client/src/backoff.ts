/** How long to wait between attempts to reconnect. */
export interface BackoffOptions {
  /** Wait after the first failure, ms. Default 1000. */
  readonly initialMs?: number | undefined
  /** Longest wait, ms. Default 120000. */
  readonly maxMs?: number | undefined
  /** Each wait is this many times the one before. Default 2. */
  readonly factor?: number | undefined
  /** Part of the wait that is random, 0 to 1, so that clients of one server do not come back together. Default 0.5. */
  readonly jitter?: number | undefined
  /**
   * A connection that lived this long, ms, was a success: the next wait is the first one again. Default 10000. One that
   * did not counts as a failed attempt, otherwise a server that accepts and drops would be hammered.
   */
  readonly stableMs?: number | undefined
}

/** Exponential back-off with jitter. */
export class Backoff {
  readonly #initial: number
  readonly #max: number
  readonly #factor: number
  readonly #jitter: number
  readonly #random: () => number
  #failures = 0
  /** See {@link BackoffOptions.stableMs}. */
  readonly stableMs: number

  /** `random` gives numbers from 0 up to but not including 1. */
  constructor(options: BackoffOptions, random: () => number) {
    this.#initial = options.initialMs ?? 1000
    this.#max = options.maxMs ?? 120_000
    this.#factor = options.factor ?? 2
    this.#jitter = options.jitter ?? 0.5
    this.stableMs = options.stableMs ?? 10_000
    this.#random = random
  }

  /** Milliseconds to wait now, between `(1 - jitter)` and 1 times the step; each call is one more failure. */
  next(): number {
    const step = Math.min(this.#initial * this.#factor ** this.#failures, this.#max)
    this.#failures++
    return step * (1 - this.#jitter * this.#random())
  }

  /** Starts again with the first wait. */
  reset(): void {
    this.#failures = 0
  }
}
