import type { MetricsRegister } from "./metrics.ts"
import type { PlainCounter } from "./plain-metrics.ts"

/** What is counted for a job; the same with every runner. */
export interface JobMetrics {
  readonly runs: PlainCounter
  readonly failures: PlainCounter
  readonly seconds: PlainCounter
}

/** Registers the metrics of one job. */
export function createJobMetrics(register: MetricsRegister, job: string): JobMetrics {
  const labelled = register.labelled({ job })
  return {
    runs: labelled.counter({ name: "sluice_job_runs_total", help: "Runs of a periodic job that have ended" }),
    failures: labelled.counter({ name: "sluice_job_failures_total", help: "Runs of a periodic job that failed" }),
    seconds: labelled.counter({ name: "sluice_job_seconds_total", help: "Time spent in a periodic job" }),
  }
}
