import { inspect } from "node:util"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { ManualClock } from "./manual-clock.ts"
import { RateLimiter } from "./rate-limiter.ts"

describe("RateLimiter", () => {
  it("gives a burst, then as many as come back", () => {
    const clock = new ManualClock()
    const limiter = new RateLimiter({ perSecond: 2, burst: 3, maxKeys: 10 }, clock)
    expect([1, 2, 3, 4].map(() => limiter.take("a"))).toEqual([true, true, true, false])
    expect(limiter.waitFor("a")).toBe(500)
    clock.advance(499)
    expect(limiter.take("a")).toBe(false)
    clock.advance(1)
    expect(limiter.waitFor("a")).toBe(0)
    expect(limiter.take("a")).toBe(true)
    expect(limiter.refused).toBe(2)
  })

  it("keeps keys apart and takes several tokens at once", () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 5, maxKeys: 10 }, new ManualClock())
    expect(limiter.take("a", 4)).toBe(true)
    expect(limiter.take("a", 2)).toBe(false)
    expect(limiter.take("b", 5)).toBe(true)
    expect(limiter.waitFor("c")).toBe(0)
    expect(limiter.waitFor("c", 6)).toBe(Infinity)
  })

  it("is not confused by a wall clock that is set back", () => {
    const clock = new ManualClock()
    const limiter = new RateLimiter({ perSecond: 1, burst: 1, maxKeys: 10 }, clock)
    limiter.take("a")
    clock.setNow(0)
    clock.advance(1_000)
    expect(limiter.take("a")).toBe(true)
  })

  it("remembers a bounded number of keys and shows none of them", () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1, maxKeys: 3 }, new ManualClock())
    for (let i = 0; i < 100; i++) limiter.take(`192.0.2.${i}`)
    expect(limiter.size).toBe(3)
    expect(JSON.stringify(limiter) + inspect(limiter, { showHidden: true, depth: 9 })).not.toContain("192.0.2")
  })

  it("never gives more than burst plus what came back", () => {
    const steps = fc.array(fc.tuple(fc.nat(3_000), fc.integer({ min: 1, max: 4 })), { maxLength: 50 })
    fc.assert(
      fc.property(steps, (list) => {
        const clock = new ManualClock()
        const limiter = new RateLimiter({ perSecond: 2, burst: 4, maxKeys: 1 }, clock)
        let taken = 0
        for (const [wait, cost] of list) {
          clock.advance(wait)
          if (limiter.take("a", cost)) taken += cost
          expect(taken).toBeLessThanOrEqual(4 + (clock.monotonic() / 1_000) * 2 + 1e-6)
        }
      }),
    )
  })

  it("refuses senseless limits", () => {
    expect(() => new RateLimiter({ perSecond: 0, burst: 1, maxKeys: 1 }, new ManualClock())).toThrow(RangeError)
    expect(() => new RateLimiter({ perSecond: 1, burst: 0, maxKeys: 1 }, new ManualClock())).toThrow(RangeError)
  })
})
