import type { MetricsRegister } from "@sluice/ops/metrics"
import type { StoreFigures } from "@sluice/queue-store/lmdb/figures"
import type { RememberingFigures } from "@sluice/queue-store/redis/remembered-queues"

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

/** Registers what the store in Redis counts: how often SEND and ACK needed no look-up. */
export function registerRememberingMetrics(register: MetricsRegister, figures: RememberingFigures): void {
  const counter = (name: string, help: string, read: () => number): void =>
    register.counterFrom({ name: `sluice_redis_records_${name}`, help }, read)
  counter("remembered_total", "Records for SEND and ACK that were in memory", () => figures.remembered)
  counter("read_total", "Records for SEND and ACK that were read from Redis", () => figures.read)
  counter(
    "outdated_total",
    "Operations that were decided again, because their record had changed",
    () => figures.changed,
  )
}
