import fc from "fast-check"
import { expect, it } from "vitest"
import { Histogram } from "./histogram.ts"

const milliseconds = fc.double({ min: 0.001, max: 1_000_000, noNaN: true })

it("gives quantiles that are off by one bucket at most", () => {
  fc.assert(
    fc.property(
      fc.array(milliseconds, { minLength: 1, maxLength: 50 }),
      fc.constantFrom(0.5, 0.9, 0.99),
      (values, part) => {
        const histogram = new Histogram()
        for (const value of values) histogram.add(value)
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN
        expect(histogram.quantile(part) / exact).toBeGreaterThan(0.979)
        expect(histogram.quantile(part) / exact).toBeLessThan(1.021)
      },
    ),
    { numRuns: 300 },
  )
})

it("summarises what it has seen", () => {
  const histogram = new Histogram()
  expect(histogram.summary()).toEqual({ count: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 })
  for (const value of [1, 2, 3, 1000]) histogram.add(value)
  expect(histogram.summary()).toMatchObject({ count: 4, mean: 251.5, max: 1000 })
  expect([...histogram.points()].map(({ share }) => share)).toEqual([0.25, 0.5, 0.75, 1])
})

it("takes what is outside of its range", () => {
  const histogram = new Histogram()
  for (const value of [0, 1e-9, 1e12]) histogram.add(value)
  expect(histogram.count).toBe(3)
  expect(histogram.summary().max).toBe(1e12)
})
