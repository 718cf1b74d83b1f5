import { performance } from "node:perf_hooks"
import { collectDefaultMetrics } from "prom-client"
import type { Metrics } from "./metrics.ts"

/**
 * Registers what is the same for every process: CPU, memory, file descriptors, garbage collection, event-loop lag
 * (`nodejs_eventloop_lag_*_seconds`) and utilisation, and one line with the version. Once per process: it starts observers
 * that live as long.
 */
export function registerProcessMetrics(metrics: Metrics, { version }: { readonly version: string }): void {
  collectDefaultMetrics({ register: metrics.registry })
  metrics.register.gaugeFrom({ name: "sluice_info", help: "Always 1; the labels say what is running" }, () => [
    [{ version, node: process.version }, 1],
  ])
  let before = performance.eventLoopUtilization()
  metrics.register.gaugeFrom(
    {
      name: "sluice_event_loop_utilization_ratio",
      help: "Part of the time since the last scrape in which the event loop was busy; near 1 the process is saturated",
    },
    () => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, before)
      before = now
      return utilization
    },
  )
}
