import { describe, expect, it } from "vitest"
import type { RetryState } from "../store/records.ts"
import { FAST, firstRetry, nextRetry, type RetrySchedule, SLOW } from "./retry.ts"

function delays(schedule: RetrySchedule, count: number): number[] {
  const all: number[] = []
  let state: RetryState = firstRetry(schedule)
  for (let n = 0; n < count; n++) {
    all.push(state.delay)
    state = nextRetry(state, schedule)
  }
  return all
}

describe("retries", () => {
  it("are fast where a network is away: 2 s for 10 s, then half as much again each time, up to 2 min", () => {
    expect(delays(FAST, 7)).toEqual([2000, 2000, 2000, 2000, 2000, 3000, 4500])
    expect(delays(FAST, 40).at(-1)).toBe(120_000)
  })

  it("are slow where a queue is full: 5 min at first, up to 6 hours", () => {
    expect(delays(SLOW, 3)).toEqual([300_000, 450_000, 675_000])
    expect(delays(SLOW, 40).at(-1)).toBe(21_600_000)
  })
})
