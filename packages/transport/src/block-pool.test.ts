import { expect, it } from "vitest"
import { BlockPool } from "./block-pool.ts"

it("hands out what it was given, and new blocks otherwise", () => {
  const pool = new BlockPool(16, 2)
  const [first, second] = [pool.take(), pool.take()]
  expect(first).not.toBe(second)
  expect([first.length, second.length]).toEqual([16, 16])
  pool.give(first)
  expect(pool.kept).toBe(1)
  expect(pool.take()).toBe(first)
  expect(pool.kept).toBe(0)
})

it("keeps no more than its limit, and nothing of another size", () => {
  const pool = new BlockPool(16, 2)
  for (let i = 0; i < 3; i++) pool.give(new Uint8Array(16))
  pool.give(new Uint8Array(15))
  expect(pool.kept).toBe(2)
})
