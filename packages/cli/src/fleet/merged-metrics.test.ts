import { Metrics } from "@sluice/ops/metrics"
import { expect, it } from "vitest"
import { mergeMetrics } from "./merged-metrics.ts"

it("puts families together and tells processes apart", async () => {
  const texts = await Promise.all(
    [1, 2].map(async (n) => {
      const { register, render } = newMetrics()
      register.counter({ name: "sent_total", help: "Sent" }).value = n
      register.histogram({ name: "wait_seconds", help: "Waited", buckets: [1] }).observe(n)
      return render()
    }),
  )
  const own = newMetrics()
  own.register.gauge({ name: "workers", help: "Processes" }).value = 2
  const merged = mergeMetrics([
    { text: await own.render() },
    ...texts.map((text, index) => ({ text, worker: String(index) })),
  ])
  const lines = merged.split("\n")
  expect(lines.filter((line) => line.startsWith("sent_total"))).toEqual([
    'sent_total{worker="0"} 1',
    'sent_total{worker="1"} 2',
  ])
  expect(lines).toContain("workers 2")
  expect(lines).toContain('wait_seconds_bucket{worker="1",le="1"} 0')
  expect(lines).toContain('wait_seconds_count{worker="0"} 1')
  for (const name of ["sent_total", "wait_seconds", "workers"]) {
    expect(lines.filter((line) => line.startsWith(`# HELP ${name} `))).toHaveLength(1)
    expect(lines.filter((line) => line.startsWith(`# TYPE ${name} `))).toHaveLength(1)
  }
  // A family has its head and all of its samples in one place.
  const at = lines.indexOf("# TYPE sent_total counter")
  expect(lines.slice(at + 1, at + 3).every((line) => line.startsWith("sent_total{"))).toBe(true)
})

function newMetrics() {
  const metrics = new Metrics()
  return { register: metrics.register, render: () => metrics.render() }
}
