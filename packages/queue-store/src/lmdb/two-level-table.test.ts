import fc from "fast-check"
import { expect, it } from "vitest"
import { BYTES, MemoryTable } from "../memory/memory-table.ts"
import type { Table } from "../tables.ts"
import { type CountedTable, TwoLevelTable } from "./two-level-table.ts"

function memory(): Table {
  return new MemoryTable(BYTES, true, [])
}

function counted(table: Table): CountedTable {
  return {
    ...{ get: (key) => table.get(key), has: (key) => table.has(key), keys: (range) => table.keys(range) },
    ...{ put: (key, value) => table.put(key, value), remove: (key) => table.remove(key) },
    get size() {
      return table.keys({ limit: 1000 }).length
    },
  }
}

const step = fc.record({
  what: fc.constantFrom("put", "remove", "settle", "keys"),
  key: fc.integer({ min: 0, max: 15 }),
  value: fc.integer({ min: 0, max: 255 }),
  limit: fc.integer({ min: 1, max: 20 }),
})

it("is one table, wherever its entries are", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const recent = counted(memory())
      const settled = memory()
      const table = new TwoLevelTable(recent, settled, { most: 4, moved: 3 })
      const plain = memory()
      for (const { what, key, value, limit } of steps) {
        const [k, v] = [Uint8Array.of(key), Uint8Array.of(value)]
        if (what === "settle") {
          table.settle()
        } else if (what === "keys") {
          const range = { limit, after: k }
          expect(table.keys(range)).toEqual(plain.keys(range))
        } else {
          for (const each of [table, plain]) what === "put" ? each.put(k, v) : each.remove(k)
        }
        expect(table.has(k)).toBe(plain.has(k))
        expect(table.get(k)).toEqual(plain.get(k))
        expect(recent.has(k) && settled.has(k)).toBe(false)
      }
      expect(table.keys({ limit: 100 })).toEqual(plain.keys({ limit: 100 }))
    }),
  )
})

it("moves entries only when there are many, and then some more than it has to", () => {
  const recent = counted(memory())
  const settled = memory()
  const table = new TwoLevelTable(recent, settled, { most: 4, moved: 3 })
  for (let i = 0; i < 4; i++) table.put(Uint8Array.of(i), Uint8Array.of(i))
  table.settle()
  expect([recent.size, settled.keys({ limit: 9 }).length]).toEqual([4, 0])
  table.put(Uint8Array.of(4), Uint8Array.of(4))
  table.settle()
  expect([recent.size, settled.keys({ limit: 9 }).length]).toEqual([1, 4])
})
