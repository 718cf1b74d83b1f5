/** A timer that was set. */
export interface Timer {
  /** Ends it; harmless when it has run or was cancelled. */
  cancel(): void
  /** Starts the same span again from now, also after it has run, but not after `cancel`. Cheaper than a new timer. */
  refresh(): void
}

/** How a timer is set. */
export interface TimerOptions {
  /** A background timer does not keep the process alive. */
  readonly background?: boolean
}

/** Time as everything in Sluice gets it, so that tests can make it. All quantities are milliseconds. */
export interface Clock {
  /** Since the Unix epoch; jumps when the machine's clock is set. For timestamps, never for spans. */
  now(): number
  /** Since some fixed moment, never going back, with fractions. For spans. */
  monotonic(): number
  /** Calls `run` once after `delay`; any delay is possible, months included. */
  setTimeout(run: () => void, delay: number, options?: TimerOptions): Timer
}

/** Longest delay that the runtime's own timers take; they fire at once when given more. */
const LONGEST_DELAY = 2 ** 31 - 1

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (run, delay, options) => new SystemTimer(run, delay, options?.background === true),
}

/**
 * Resolves after `delay` milliseconds. When `signal` aborts, rejects at once with its reason and leaves no timer.
 */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener("abort", onAbort)
      resolve()
    }, delay)
    signal?.addEventListener("abort", onAbort, { once: true })
  })
}

class SystemTimer implements Timer {
  readonly #run: () => void
  readonly #delay: number
  readonly #background: boolean
  #handle: NodeJS.Timeout
  #cancelled = false

  constructor(run: () => void, delay: number, background: boolean) {
    this.#run = run
    this.#delay = Math.max(0, delay)
    this.#background = background
    this.#handle = this.#arm(this.#delay)
  }

  cancel(): void {
    this.#cancelled = true
    clearTimeout(this.#handle)
  }

  refresh(): void {
    if (this.#cancelled) return
    if (this.#delay <= LONGEST_DELAY) {
      this.#handle.refresh()
    } else {
      clearTimeout(this.#handle)
      this.#handle = this.#arm(this.#delay)
    }
  }

  #arm(left: number): NodeJS.Timeout {
    const handle =
      left <= LONGEST_DELAY
        ? setTimeout(this.#run, left)
        : setTimeout(() => {
            this.#handle = this.#arm(left - LONGEST_DELAY)
          }, LONGEST_DELAY)
    return this.#background ? handle.unref() : handle
  }
}
