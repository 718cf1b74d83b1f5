import { ManualClock } from "@sluice/ops/manual-clock"
import { describe, expect, it } from "vitest"
import { LinkCache } from "./link-cache.ts"

const bytes = (length: number): Uint8Array => new Uint8Array(length)

describe("a cache of sealed links", () => {
  it("gives what was put in until its time is over, also that there is nothing", () => {
    const clock = new ManualClock()
    const cache = new LinkCache({ time: 1000, size: 10_000 }, clock)
    cache.set("a", bytes(10))
    cache.set("b", undefined)
    expect(cache.get("a")?.bytes).toHaveLength(10)
    expect(cache.get("b")).toMatchObject({ bytes: undefined })
    clock.advance(1000)
    expect(cache.get("a")).toBeUndefined()
    cache.sweep()
    expect([cache.size, cache.bytes]).toEqual([0, 0])
  })

  it("stays below its size, without what was not used for longest", () => {
    const cache = new LinkCache({ time: 1000, size: 3000 }, new ManualClock())
    for (const key of ["a", "b"]) cache.set(key, bytes(1000))
    cache.get("a")
    cache.set("c", bytes(1000))
    expect([cache.get("a"), cache.get("b"), cache.get("c")].map((entry) => entry !== undefined)).toEqual([
      ...[true, false, true],
    ])
    cache.set("c", bytes(500))
    expect(cache.bytes).toBeLessThanOrEqual(3000)
    cache.set("d", bytes(4000))
    expect(cache.get("d")).toBeUndefined()
  })

  it("keeps nothing without time", () => {
    const cache = new LinkCache({ time: 0, size: 3000 }, new ManualClock())
    cache.set("a", bytes(1))
    expect(cache.get("a")).toBeUndefined()
  })
})
