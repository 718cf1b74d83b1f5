import { describe, expect, it } from "vitest"
import { Lru } from "./lru.ts"

describe("Lru", () => {
  it("makes a value once while it is kept", () => {
    const lru = new Lru<number>(2)
    let made = 0
    const make = (): number => ++made
    expect([lru.get("a", make), lru.get("a", make), lru.get("b", make), lru.get("a", make)]).toEqual([1, 1, 2, 1])
  })

  it("drops what was used longest ago and never grows beyond its capacity", () => {
    const lru = new Lru<string>(2)
    lru.get("a", () => "a1")
    lru.get("b", () => "b1")
    lru.get("a", () => "a2")
    lru.get("c", () => "c1")
    expect(lru.size).toBe(2)
    expect(lru.get("a", () => "a3")).toBe("a1")
    expect(lru.get("b", () => "b2")).toBe("b2")
    expect(lru.size).toBe(2)
  })

  it("finds what is kept, which is a use", () => {
    const lru = new Lru<string>(2)
    lru.get("a", () => "a1")
    lru.get("b", () => "b1")
    expect([lru.find("a"), lru.find("c")]).toEqual(["a1", undefined])
    lru.get("c", () => "c1")
    expect([lru.find("a"), lru.find("b")]).toEqual(["a1", undefined])
  })

  it("keeps nothing when making fails", () => {
    const lru = new Lru<string>(1)
    lru.get("a", () => "a1")
    expect(() =>
      lru.get("b", () => {
        throw new Error("no")
      }),
    ).toThrow("no")
    expect(lru.get("a", () => "a2")).toBe("a1")
  })

  it("needs room for one entry", () => {
    expect(() => new Lru(0)).toThrow(RangeError)
  })
})
