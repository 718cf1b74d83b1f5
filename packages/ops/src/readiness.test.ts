import { describe, expect, it } from "vitest"
import { ManualClock } from "./manual-clock.ts"
import { Readiness } from "./readiness.ts"

describe("Readiness", () => {
  it("goes from starting over running to draining, and never back", async () => {
    const readiness = new Readiness(new ManualClock())
    expect(await readiness.report()).toEqual({ ready: false, failing: ["starting"] })
    readiness.started()
    expect(await readiness.report()).toEqual({ ready: true, failing: [] })
    readiness.drain()
    readiness.started()
    expect(await readiness.report()).toEqual({ ready: false, failing: ["draining"] })
  })

  it("names the checks that say no, throw or reject", async () => {
    const readiness = new Readiness(new ManualClock())
    readiness.started()
    readiness.add("z", () => false)
    readiness.add("fine", async () => true)
    readiness.add("rejecting", async () => Promise.reject(new Error("down")))
    const remove = readiness.add("a", () => {
      throw new Error("closed")
    })
    expect(await readiness.report()).toEqual({ ready: false, failing: ["a", "rejecting", "z"] })
    remove()
    expect((await readiness.report()).failing).toEqual(["rejecting", "z"])
    expect(() => readiness.add("z", () => true)).toThrow(/exists already/)
  })

  it("takes a check that hangs for a no, tells it so, and leaves no timer", async () => {
    const clock = new ManualClock()
    const readiness = new Readiness(clock)
    readiness.started()
    let aborted = false
    readiness.add("hanging", (signal) => {
      signal.addEventListener("abort", () => {
        aborted = true
      })
      return new Promise(() => undefined)
    })
    const report = readiness.report()
    clock.advance(2_000)
    expect(await report).toEqual({ ready: false, failing: ["hanging"] })
    expect([aborted, clock.pending]).toEqual([true, 0])
  })
})
