import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Lru } from "./lru.ts"

describe("Lru", () => {
  it("drops what was not used for the longest time", () => {
    const evicted: [string, number][] = []
    const lru = new Lru<string, number>(2, (key, value) => evicted.push([key, value]))
    lru.set("a", 1)
    lru.set("b", 2)
    expect(lru.get("a")).toBe(1)
    lru.set("c", 3)
    expect(evicted).toEqual([["b", 2]])
    expect([...lru.entries()]).toEqual([
      ["a", 1],
      ["c", 3],
    ])
  })

  it("does not count peek and has as use, and keeps undefined values", () => {
    const lru = new Lru<string, number | undefined>(2)
    lru.set("a", undefined)
    lru.set("b", 2)
    lru.peek("a")
    lru.has("a")
    lru.set("c", 3)
    expect([lru.has("a"), lru.has("b")]).toEqual([false, true])
    lru.set("u", undefined)
    expect(lru.get("u")).toBeUndefined()
    expect(lru.has("u")).toBe(true)
  })

  it("does not call back for replaced, deleted and cleared entries", () => {
    const lru = new Lru<string, number>(1, () => expect.unreachable())
    lru.set("a", 1)
    lru.set("a", 2)
    expect(lru.delete("a")).toBe(true)
    expect(lru.delete("a")).toBe(false)
    lru.set("b", 1)
    lru.clear()
    expect(lru.size).toBe(0)
  })

  it.each([0, -1, 1.5, Number.NaN])("refuses a capacity of %d", (capacity) => {
    expect(() => new Lru(capacity)).toThrow(RangeError)
  })

  it("behaves like a list ordered by use", () => {
    const step = fc.tuple(fc.constantFrom("get", "set", "delete"), fc.nat(6))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
        const lru = new Lru<number, number>(capacity)
        let model: number[] = []
        for (const [action, key] of steps) {
          const known = model.includes(key)
          const others = model.filter((other) => other !== key)
          if (action === "get") {
            expect(lru.get(key)).toBe(known ? key : undefined)
            if (known) model = [...others, key]
          } else if (action === "set") {
            lru.set(key, key)
            model = [...others, key].slice(-capacity)
          } else {
            expect(lru.delete(key)).toBe(known)
            model = others
          }
          expect([...lru.entries()].map(([entry]) => entry)).toEqual(model)
        }
      }),
    )
  })
})
