import type { RetryState } from "../store/records.ts"

/** How the waits between attempts grow. All times are ms. */
export interface RetrySchedule {
  readonly first: number
  /** The wait stays the first one until so much time has gone in waiting. */
  readonly growsAfter: number
  readonly factor: number
  readonly max: number
}

/** When a network or a relay is away (agent.md §10). */
export const FAST: RetrySchedule = { first: 2000, growsAfter: 10_000, factor: 1.5, max: 120_000 }

/** When the peer's queue is full. */
export const SLOW: RetrySchedule = { first: 300_000, growsAfter: 60_000, factor: 1.5, max: 6 * 3_600_000 }

/** Before the first wait. */
export function firstRetry({ first }: RetrySchedule): RetryState {
  return { delay: first, elapsed: 0 }
}

/** The state after waiting `state.delay`. */
export function nextRetry({ delay, elapsed }: RetryState, { growsAfter, factor, max }: RetrySchedule): RetryState {
  const waited = elapsed + delay
  return { delay: waited < growsAfter ? delay : Math.min(delay * factor, max), elapsed: waited }
}
