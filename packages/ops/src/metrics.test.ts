import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Metrics, type MetricsRegister } from "./metrics.ts"
import { type PlainCounter, PlainHistogram } from "./plain-metrics.ts"
import { registerProcessMetrics } from "./process-metrics.ts"

const help = "Help."

/** The sample lines of the metrics whose names begin so. */
async function samples(metrics: Metrics, prefix: string): Promise<string[]> {
  return (await metrics.render()).split("\n").filter((line) => line.startsWith(prefix))
}

describe("Metrics", () => {
  it("reads plain numbers when scraped", async () => {
    const metrics = new Metrics()
    const sent = metrics.register.counter({ name: "x_sent_total", help: "Messages \\ sent\nby senders" })
    const level = metrics.register.gauge({ name: "x_level", help })
    let length = 3
    metrics.register.gaugeFrom({ name: "x_length", help }, () => length)
    metrics.register.counterFrom({ name: "x_refused_total", help }, () => length * 2)
    sent.value++
    sent.value += 2
    level.value = 0.5
    expect(await metrics.render()).toContain(
      "# HELP x_sent_total Messages \\\\ sent\\nby senders\n# TYPE x_sent_total counter\nx_sent_total 3\n",
    )
    length = 4
    expect(await samples(metrics, "x_")).toEqual(["x_sent_total 3", "x_level 0.5", "x_length 4", "x_refused_total 8"])
    expect(metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8")
  })

  it("has counters for all combinations of label values from the start", async () => {
    const metrics = new Metrics()
    const errors = metrics.register.counters({
      name: "x_errors_total",
      help,
      labels: { source: ["all", "own"], type: ["connect", "other"] },
    })
    const counter: PlainCounter = errors.with({ source: "own", type: "connect" })
    counter.value++
    expect(errors.with({ type: "connect", source: "own" })).toBe(counter)
    expect(await samples(metrics, "x_")).toEqual([
      'x_errors_total{source="all",type="connect"} 0',
      'x_errors_total{source="all",type="other"} 0',
      'x_errors_total{source="own",type="connect"} 1',
      'x_errors_total{source="own",type="other"} 0',
    ])
    const unknown = { source: "mallory", type: "other" } as unknown as { source: "own"; type: "other" }
    expect(() => errors.with(unknown)).toThrow(RangeError)
  })

  it("has gauges with labels of the configuration", async () => {
    const metrics = new Metrics()
    metrics.register.labelled({ service: "push" }).gaugeFrom({ name: "x_sessions", help }, () => [
      [{ server: "a.example" }, 1],
      [{ server: 'b"\\' }, 2],
    ])
    expect(await samples(metrics, "x_")).toEqual([
      'x_sessions{service="push",server="a.example"} 1',
      'x_sessions{service="push",server="b\\"\\\\"} 2',
    ])
  })

  it("writes histograms", async () => {
    const metrics = new Metrics()
    const time = metrics.register
      .labelled({ service: "relay" })
      .histogram({ name: "x_ack_seconds", help, buckets: [0.1, 1, 10] })
    for (const seconds of [0.05, 0.1, 0.5, 10.5]) time.observe(seconds)
    expect(await metrics.render()).toContain("# TYPE x_ack_seconds histogram")
    expect(await samples(metrics, "x_")).toEqual([
      'x_ack_seconds_bucket{service="relay",le="0.1"} 2',
      'x_ack_seconds_bucket{service="relay",le="1"} 3',
      'x_ack_seconds_bucket{service="relay",le="10"} 3',
      'x_ack_seconds_bucket{service="relay",le="+Inf"} 4',
      'x_ack_seconds_sum{service="relay"} 11.15',
      'x_ack_seconds_count{service="relay"} 4',
    ])
  })

  it("lets two services in one process share names", async () => {
    const createXMetrics = (register: MetricsRegister): { open: PlainCounter } => ({
      open: register.counter({ name: "x_open_total", help }),
    })
    const metrics = new Metrics()
    const relay = createXMetrics(metrics.register.labelled({ service: "relay" }))
    const proxy = createXMetrics(metrics.register.labelled({ service: "proxy" }))
    relay.open.value = 1
    proxy.open.value = 2
    expect(await samples(metrics, "x_")).toEqual(['x_open_total{service="relay"} 1', 'x_open_total{service="proxy"} 2'])
    expect(() => createXMetrics(metrics.register.labelled({ service: "relay" }))).toThrow(/registered already/)
    expect(() => metrics.register.gauge({ name: "x_open_total", help })).toThrow(/two meanings/)
    expect(() => metrics.register.counter({ name: "not a name", help })).toThrow()
  })

  it("goes on when something cannot be read", async () => {
    const metrics = new Metrics()
    metrics.register.gaugeFrom({ name: "x_broken", help }, () => {
      throw new Error("store is closed")
    })
    metrics.register.counter({ name: "x_fine_total", help })
    expect(await samples(metrics, "x_")).toEqual(["x_fine_total 0"])
    expect(await samples(metrics, "sluice_metrics_collect_errors_total")).toEqual([
      "sluice_metrics_collect_errors_total 1",
    ])
  })
})

describe("PlainHistogram", () => {
  it("puts every value into the first bucket that holds it", () => {
    const edges = fc
      .uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 1 })
      .map((e) => e.toSorted((a, b) => a - b))
    fc.assert(
      fc.property(edges, fc.array(fc.integer({ min: -60, max: 60 })), (edges, values) => {
        const histogram = new PlainHistogram(edges)
        for (const value of values) histogram.observe(value)
        const inBucket =
          (i: number) =>
          (value: number): boolean =>
            value > (edges[i - 1] ?? -Infinity) && value <= (edges[i] ?? Infinity)
        expect([...histogram.counts]).toEqual([...edges, 0].map((_, i) => values.filter(inBucket(i)).length))
        expect(histogram.count).toBe(values.length)
        expect(histogram.sum).toBe(values.reduce((a, b) => a + b, 0))
      }),
    )
  })

  it.each([[[]], [[1, 1]], [[2, 1]], [[Number.NaN]], [[1, Infinity]]])("refuses the edges %j", (edges) => {
    expect(() => new PlainHistogram(edges)).toThrow(RangeError)
  })
})

it("registerProcessMetrics tells about process, event loop and version", async () => {
  const metrics = new Metrics()
  registerProcessMetrics(metrics, { version: "1.2.3" })
  const text = await metrics.render()
  for (const name of [
    "process_cpu_seconds_total",
    "nodejs_eventloop_lag_p99_seconds",
    "process_resident_memory_bytes",
  ]) {
    expect(text).toMatch(new RegExp(`^${name} `, "m"))
  }
  expect(text).toContain(`sluice_info{version="1.2.3",node="${process.version}"} 1`)
  expect(text).toMatch(/^sluice_event_loop_utilization_ratio [01]/m)
})
