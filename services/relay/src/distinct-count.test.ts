import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { DistinctCount } from "./distinct-count.ts"

const id = (n: number): Uint8Array => createHash("sha256").update(String(n)).digest().subarray(0, 24)

describe("DistinctCount", () => {
  it.each([0, 1, 10, 1_000, 20_000, 200_000])("estimates %i different IDs within 5 %", (count) => {
    const distinct = new DistinctCount()
    for (let n = 0; n < count; n++) distinct.add(id(n))
    expect(Math.abs(distinct.value - count)).toBeLessThanOrEqual(Math.ceil(count * 0.05))
  })

  it("counts repeated IDs once", () => {
    const distinct = new DistinctCount()
    for (let round = 0; round < 50; round++) for (let n = 0; n < 100; n++) distinct.add(id(n))
    expect(Math.abs(distinct.value - 100)).toBeLessThanOrEqual(3)
  })

  it("goes on from saved registers, and starts anew when cleared", () => {
    const distinct = new DistinctCount()
    for (let n = 0; n < 500; n++) distinct.add(id(n))
    const restored = new DistinctCount(distinct.registers.slice())
    expect(restored.value).toBe(distinct.value)
    restored.clear()
    expect(restored.value).toBe(0)
    expect(distinct.value).toBeGreaterThan(0)
  })

  it("ignores what is too short to be an ID of the server", () => {
    const distinct = new DistinctCount()
    distinct.add(new Uint8Array(5))
    expect(distinct.value).toBe(0)
  })
})
