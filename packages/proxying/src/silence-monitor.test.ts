import { ManualClock } from "@sluice/ops/manual-clock"
import { beforeEach, describe, expect, it } from "vitest"
import { SilenceMonitor } from "./silence-monitor.ts"

const MINUTE = 60_000
const RULES = { interval: 10 * MINUTE, timeouts: 3, silence: 15 * MINUTE }

let clock: ManualClock
let dropped: number
let monitor: SilenceMonitor

beforeEach(() => {
  clock = new ManualClock()
  dropped = 0
  monitor = new SilenceMonitor(RULES, clock, () => dropped++)
})

function timeOuts(count: number): void {
  for (let i = 0; i < count; i++) monitor.timedOut()
}

describe("SilenceMonitor", () => {
  it("leaves a silent connection alone that nothing was asked", () => {
    clock.advance(600 * MINUTE)
    expect(dropped).toBe(0)
  })

  it("drops at the second look: 20 minutes of silence and three time-outs", () => {
    clock.advance(MINUTE)
    timeOuts(3)
    clock.advance(18 * MINUTE)
    expect(dropped).toBe(0)
    clock.advance(MINUTE)
    expect(dropped).toBe(1)
  })

  it("looks at a time-out, too", () => {
    timeOuts(2)
    clock.advance(15 * MINUTE)
    monitor.timedOut()
    expect(dropped).toBe(0)
    clock.advance(1)
    monitor.timedOut()
    expect(dropped).toBe(1)
  })

  it("needs three time-outs", () => {
    timeOuts(2)
    clock.advance(60 * MINUTE)
    expect(dropped).toBe(0)
  })

  it("starts again with everything that comes", () => {
    timeOuts(3)
    clock.advance(19 * MINUTE)
    monitor.received()
    expect(monitor.timeouts).toBe(0)
    clock.advance(60 * MINUTE)
    expect(dropped).toBe(0)
    timeOuts(2)
    expect(dropped).toBe(0)
    monitor.timedOut()
    expect(dropped).toBe(1)
  })

  it("drops once, and leaves no timer", () => {
    timeOuts(3)
    clock.advance(60 * MINUTE)
    expect(dropped).toBe(1)
    expect(clock.pending).toBe(0)
  })

  it("can be stopped", () => {
    timeOuts(3)
    monitor.stop()
    clock.advance(60 * MINUTE)
    expect(dropped).toBe(0)
    expect(clock.pending).toBe(0)
  })
})
