/** Stops a timer; harmless when the timer has already fired. */
export type CancelTimer = () => void

/** The time as this package sees it; tests replace it. */
export interface Clock {
  /** Milliseconds since an arbitrary moment; never goes back. */
  now(): number
  /** Unix time in whole seconds, by which certificates are judged. */
  unixSeconds(): number
  /** Calls `run` once after `ms` milliseconds. */
  after(ms: number, run: () => void): CancelTimer
}

/** Longest delay that the timers of the platform accept (2^31 - 1 ms, almost 25 days). */
const LONGEST_DELAY = 2_147_483_647

/** The monotonic clock and the timers of the process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixSeconds: () => Math.floor(Date.now() / 1000),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONGEST_DELAY))
    return () => clearTimeout(timer)
  },
}

/** The clock of a program, as far as one for clients is made of it. */
export interface ProgramClock {
  /** Unix time in milliseconds. */
  now(): number
  /** Milliseconds since an arbitrary moment; never goes back. */
  monotonic(): number
  setTimeout(run: () => void, ms: number): { cancel(): void }
}

/** A program's clock in the form that clients take. */
export function clientClock(clock: ProgramClock): Clock {
  return {
    now: () => clock.monotonic(),
    unixSeconds: () => Math.floor(clock.now() / 1000),
    after(ms, run) {
      const timer = clock.setTimeout(run, ms)
      return () => timer.cancel()
    },
  }
}
