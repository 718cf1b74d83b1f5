import { expect, it } from "vitest"
import { Histogram } from "./histogram.ts"
import { latencyPlot } from "./latency-plot.ts"

function histogramOf(...values: number[]): Histogram {
  const histogram = new Histogram()
  for (const value of values) histogram.add(value)
  return histogram
}

it("draws one line and three marks for each latency that has values", () => {
  const svg = latencyPlot("a < b & c", [
    { name: "SEND→OK", histogram: histogramOf(1, 2, 4, 50) },
    { name: "SEND→MSG", histogram: histogramOf(3, 700) },
    { name: "never", histogram: histogramOf() },
  ])
  expect(svg).toMatch(/^<svg [^>]*>\n.*<\/svg>\n$/s)
  expect(svg.match(/fill="none"/g)).toHaveLength(2)
  expect(svg.match(/<circle /g)).toHaveLength(6)
  expect(svg).toContain("a &#60; b &#38; c")
  expect(svg).not.toContain("never")
})

it("keeps every point inside of the frame", () => {
  for (const values of [[], [0], [0.002], [5], [0.001, 3_600_000]]) {
    const svg = latencyPlot("title", [{ name: "x", histogram: histogramOf(...values) }])
    expect(svg).not.toContain("NaN")
    const points = [...svg.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)])
    for (const [x = -1, y = -1] of points) {
      expect(x).toBeGreaterThanOrEqual(56)
      expect(x).toBeLessThanOrEqual(704)
      expect(y).toBeGreaterThanOrEqual(40)
      expect(y).toBeLessThanOrEqual(352)
    }
  }
})
