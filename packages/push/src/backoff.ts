import type { Clock } from "@sluice/ops/clock"

/** How long to wait after failures. Milliseconds. */
export interface BackoffOptions {
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** After the first failure. 250 ms. */
  readonly first?: number
  /** The longest wait. 30 s. */
  readonly longest?: number
}

/**
 * Waits that double from failure to failure, each shortened at random by up to half, so that those who lost the same
 * service don't come back together.
 */
export class Backoff {
  readonly #options: Required<BackoffOptions>
  #failures = 0
  #until = -Infinity

  constructor(options: BackoffOptions) {
    this.#options = { first: 250, longest: 30_000, ...options }
  }

  /** Notes a failure and gives the time until the next attempt. */
  failed(): number {
    const { clock, random, first, longest } = this.#options
    const full = Math.min(longest, first * 2 ** Math.min(this.#failures++, 30))
    const wait = Math.round(full * (1 - random() / 2))
    this.#until = clock.monotonic() + wait
    return wait
  }

  /** The next failure is the first again. */
  succeeded(): void {
    this.#failures = 0
    this.#until = -Infinity
  }

  /** Time until the next attempt; 0 if it may be made. */
  get remaining(): number {
    return Math.max(0, Math.ceil(this.#until - this.#options.clock.monotonic()))
  }
}
