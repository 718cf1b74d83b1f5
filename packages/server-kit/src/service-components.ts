import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { type Clock, systemClock } from "@sluice/ops/clock"
import type { JobRunner } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import { Metrics, type MetricsRegister } from "@sluice/ops/metrics"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { Readiness } from "@sluice/ops/readiness"
import { timerJobs } from "@sluice/ops/timer-jobs"

/** What a service is started with; everything but log and data folder has a default, which tests replace. */
export interface ServiceParts {
  readonly log: Log
  /** Folder of everything that is written; the configuration's paths are relative to it. */
  readonly dataFolder: string
  readonly version?: string
  readonly crypto?: CryptoBackend
  readonly clock?: Clock
  readonly random?: () => number
  /** Given by a program that registers its process's metrics itself. */
  readonly metrics?: Metrics
  readonly readiness?: Readiness
}

/** The same with every default in its place. */
export interface ServiceComponents extends Required<ServiceParts> {
  /** Where the metrics are registered. */
  readonly register: MetricsRegister
  /** Periodic work of this process. Its service starts and stops it. */
  readonly jobs: JobRunner
}

/** Puts the defaults in. */
export function componentsOf({ log, dataFolder, ...given }: ServiceParts): ServiceComponents {
  const { version = "unknown", crypto = nativeCrypto, clock = systemClock, random = Math.random } = given
  const { metrics = new Metrics(), readiness = new Readiness(clock) } = given
  const { register } = metrics
  if (given.metrics === undefined) registerProcessMetrics(metrics, { version })
  const jobs = timerJobs({}, { clock, log: log.child("jobs"), register, random })
  return { log, dataFolder, version, crypto, clock, random, metrics, readiness, register, jobs }
}
