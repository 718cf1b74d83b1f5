import { expect, test } from "vitest"
import { Backoff } from "./backoff.ts"

test("waits double up to the maximum, and start again after a reset", () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1000, jitter: 0 }, () => 0.7)
  expect([1, 2, 3, 4, 5, 6].map(() => backoff.next())).toEqual([100, 200, 400, 800, 1000, 1000])
  backoff.reset()
  expect(backoff.next()).toBe(100)
})

test("jitter only ever shortens a wait", () => {
  const draws = [0, 0.5, 0.999]
  const backoff = new Backoff({ initialMs: 100, factor: 1, jitter: 0.5 }, () => draws.shift() ?? 0)
  expect(backoff.next()).toBe(100)
  expect(backoff.next()).toBe(75)
  expect(backoff.next()).toBeCloseTo(50, 0)
})

test("the exponent never overflows the maximum", () => {
  const backoff = new Backoff({ jitter: 0 }, () => 0)
  for (let i = 0; i < 5000; i++) backoff.next()
  expect(backoff.next()).toBe(120_000)
})
