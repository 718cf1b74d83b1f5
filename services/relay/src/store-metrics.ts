import type { MetricsRegister } from "@sluice/ops/metrics"
import type { StoreFigures } from "@sluice/queue-store/lmdb/figures"

/** Registers what the embedded store counts: how work is grouped into commits, and what they cost. */
export function registerStoreMetrics(register: MetricsRegister, figures: StoreFigures): void {
  const counter = (name: string, help: string, read: () => number): void =>
    register.counterFrom({ name: `sluice_store_${name}`, help }, read)
  counter("commits_total", "Groups of changes committed to the embedded store", () => figures.commits)
  counter("committed_operations_total", "Changes in those groups", () => figures.operations)
  counter("commit_seconds_total", "Time from beginning such a group to its commit", () => figures.commitSeconds)
  counter("commit_failures_total", "Groups that failed or were taken back", () => figures.failures)
  counter("rejected_operations_total", "Changes that were refused", () => figures.rejections)
}
