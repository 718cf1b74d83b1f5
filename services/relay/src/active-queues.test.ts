import { describe, expect, it } from "vitest"
import { ActiveQueues } from "./active-queues.ts"

const id = (n: number): Uint8Array => new Uint8Array(24).map((_, i) => (n * 211 + i * 37 + ((n * (i + 7)) >> 2)) & 0xff)
const date = (text: string): Date => new Date(`${text}T00:00:00Z`)

/** Ends the day `from`, or those up to `next`, and tells the figures. */
function end(active: ActiveQueues, from: string, next: string): unknown {
  const figures = active.figures(date(from), date(next))
  active.begin(date(from), date(next))
  return figures
}

describe("ActiveQueues", () => {
  it("tells the week when Monday begins, and the month on its first day", () => {
    const active = new ActiveQueues()
    active.add(id(1))
    expect(end(active, "2025-05-30", "2025-05-31")).toEqual({ day: 1 })
    active.add(id(1))
    active.add(id(2))
    expect(end(active, "2025-05-31", "2025-06-01")).toEqual({ day: 2, month: 2 })
    active.add(id(3))
    // 2 June 2025 was a Monday.
    expect(end(active, "2025-06-01", "2025-06-02")).toEqual({ day: 1, week: 3 })
    expect([active.day.value, active.week.value, active.month.value]).toEqual([0, 0, 1])
  })

  it("tells a week and a month that ended while nobody looked", () => {
    const active = new ActiveQueues()
    active.add(id(1))
    expect(end(active, "2025-06-27", "2025-07-02")).toEqual({ day: 1, week: 1, month: 1 })
    expect([active.day.value, active.week.value, active.month.value]).toEqual([0, 0, 0])
  })

  it.each([
    ["1970-01-04", "1970-01-05"],
    ["2024-12-29", "2024-12-30"],
    ["2026-02-01", "2026-02-02"],
  ])("knows that the week ends between %s and %s", (from, next) => {
    expect(end(new ActiveQueues(), from, next)).toHaveProperty("week")
  })

  it("goes on from what was saved", () => {
    const active = new ActiveQueues()
    active.add(id(1))
    const { day, week, month } = active
    const saved = { day: day.registers.slice(), week: week.registers.slice(), month: month.registers.slice() }
    const restored = new ActiveQueues(saved)
    restored.add(id(2))
    expect(restored.figures(date("2025-06-01"), date("2025-06-02"))).toEqual({ day: 2, week: 2 })
    expect(active.day.value).toBe(1)
  })
})
