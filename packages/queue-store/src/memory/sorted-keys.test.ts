import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { SortedKeys } from "./sorted-keys.ts"

describe("sorted keys", () => {
  it("list what was added and not removed, in order, from any key on", () => {
    const key = fc.integer({ min: 0, max: 2000 }).map((n) => String.fromCharCode(n % 256, n % 7, n >> 8))
    const changes = fc.array(fc.tuple(fc.boolean(), key), { maxLength: 3000, size: "max" })
    fc.assert(
      fc.property(changes, key, (all, from) => {
        const keys = new SortedKeys()
        const expected = new Set<string>()
        for (const [add, name] of all) {
          if (add && !expected.has(name)) {
            keys.add(name)
            expected.add(name)
          } else if (!add && expected.delete(name)) keys.remove(name)
        }
        const sorted = [...expected].sort()
        expect([...keys.from("")]).toEqual(sorted)
        expect([...keys.from(from)]).toEqual(sorted.filter((name) => name >= from))
      }),
      { numRuns: 30 },
    )
  })

  it("hold many keys that come in any order", () => {
    const keys = new SortedKeys()
    const names = Array.from({ length: 5000 }, (_, i) => String((i * 7919) % 5000).padStart(4, "0"))
    for (const name of names) keys.add(name)
    expect([...keys.from("")]).toEqual(names.toSorted())
    for (const name of names.slice(0, 4999)) keys.remove(name)
    expect([...keys.from("")]).toEqual(names.slice(4999))
    keys.remove(names[4999] ?? "")
    expect([...keys.from("")]).toEqual([])
    keys.add("again")
    expect([...keys.from("z")]).toEqual([])
    expect([...keys.from("a")]).toEqual(["again"])
  })
})
