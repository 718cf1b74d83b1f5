import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { sleep, systemClock } from "./clock.ts"
import { ManualClock } from "./manual-clock.ts"

describe("systemClock", () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it("tells the time", () => {
    vi.setSystemTime(1_000)
    expect(systemClock.now()).toBe(1_000)
    const before = systemClock.monotonic()
    vi.advanceTimersByTime(5)
    expect(systemClock.monotonic() - before).toBe(5)
  })

  it("runs, cancels and refreshes timers", () => {
    const run = vi.fn()
    const timer = systemClock.setTimeout(run, 100)
    vi.advanceTimersByTime(60)
    timer.refresh()
    vi.advanceTimersByTime(60)
    expect(run).not.toHaveBeenCalled()
    vi.advanceTimersByTime(40)
    expect(run).toHaveBeenCalledTimes(1)
    timer.refresh()
    timer.cancel()
    timer.refresh()
    vi.advanceTimersByTime(1_000)
    expect(run).toHaveBeenCalledTimes(1)
  })

  it("waits for months, which the runtime's own timers cannot", () => {
    const run = vi.fn()
    const days = 86_400_000
    const timer = systemClock.setTimeout(run, 60 * days)
    vi.advanceTimersByTime(59 * days)
    expect(run).not.toHaveBeenCalled()
    timer.refresh()
    vi.advanceTimersByTime(59 * days)
    expect(run).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1 * days)
    expect(run).toHaveBeenCalledTimes(1)
    timer.refresh()
    vi.advanceTimersByTime(30 * days)
    timer.cancel()
    vi.advanceTimersByTime(60 * days)
    expect(run).toHaveBeenCalledTimes(1)
  })

  it("can let the process end", () => {
    vi.useRealTimers()
    const unref = vi.spyOn(Object.getPrototypeOf(setTimeout(() => undefined, 0)), "unref")
    systemClock.setTimeout(() => undefined, 1).cancel()
    expect(unref).not.toHaveBeenCalled()
    systemClock.setTimeout(() => undefined, 1, { background: true }).cancel()
    expect(unref).toHaveBeenCalledTimes(1)
    unref.mockRestore()
  })
})

describe("ManualClock", () => {
  it("runs timers at their time, in order, also those set by others", () => {
    const clock = new ManualClock(0)
    const seen: [string, number][] = []
    const note = (name: string) => (): void => void seen.push([name, clock.now()])
    clock.setTimeout(note("b"), 20)
    clock.setTimeout(note("a"), 10)
    clock.setTimeout(note("c"), 20)
    clock.setTimeout(() => clock.setTimeout(note("inner"), 5), 10)
    clock.advance(30)
    expect(seen).toEqual([
      ["a", 10],
      ["inner", 15],
      ["b", 20],
      ["c", 20],
    ])
    expect(clock.now()).toBe(30)
    expect(clock.pending).toBe(0)
  })

  it("lets promises settle between timers", async () => {
    const clock = new ManualClock(0)
    const seen: number[] = []
    const loop = async (): Promise<void> => {
      while (seen.length < 3) {
        await sleep(clock, 10)
        seen.push(clock.now())
      }
    }
    const done = loop()
    await clock.advanceAsync(100)
    await done
    expect(seen).toEqual([10, 20, 30])
  })

  it("cancels and refreshes like the system's", () => {
    const clock = new ManualClock(0)
    const run = vi.fn()
    const timer = clock.setTimeout(run, 10)
    clock.advance(9)
    timer.refresh()
    clock.advance(9)
    expect(run).not.toHaveBeenCalled()
    clock.advance(1)
    timer.refresh()
    timer.cancel()
    timer.refresh()
    clock.advance(100)
    expect(run).toHaveBeenCalledTimes(1)
  })

  it("sets the wall clock without touching spans", () => {
    const clock = new ManualClock(1_000)
    clock.advance(5)
    clock.setNow(500)
    expect([clock.now(), clock.monotonic()]).toEqual([500, 5])
  })
})

describe("sleep", () => {
  it("rejects with the signal's reason and leaves no timer", async () => {
    const clock = new ManualClock()
    const abort = new AbortController()
    const sleeping = sleep(clock, 10, abort.signal)
    abort.abort(new Error("enough"))
    await expect(sleeping).rejects.toThrow("enough")
    expect(clock.pending).toBe(0)
    await expect(sleep(clock, 10, abort.signal)).rejects.toThrow("enough")
  })

  it("resolves in time", async () => {
    const clock = new ManualClock()
    const sleeping = sleep(clock, 10, new AbortController().signal)
    clock.advance(10)
    await sleeping
  })
})
