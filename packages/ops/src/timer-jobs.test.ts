import { describe, expect, it } from "vitest"
import type { Job, JobRunner } from "./jobs.ts"
import { ManualClock } from "./manual-clock.ts"
import { Metrics } from "./metrics.ts"
import { type RecordingLog, recordingLog } from "./recording-log.ts"
import { type TimerJobsOptions, timerJobs } from "./timer-jobs.ts"

interface Fixture {
  readonly jobs: JobRunner
  readonly clock: ManualClock
  readonly log: RecordingLog
  readonly metrics: Metrics
  /** Times of the runs, in milliseconds since the beginning. */
  readonly runs: number[]
  /** A job that notes its runs. */
  job(more?: Partial<Job>): Job
}

const START = Date.UTC(2025, 0, 1, 12)

function fixture(options: TimerJobsOptions = { jitter: 0 }, random: () => number = () => 0.5): Fixture {
  const clock = new ManualClock(START)
  const log = recordingLog()
  const metrics = new Metrics()
  const runs: number[] = []
  const job = (more: Partial<Job> = {}): Job => ({
    name: "expire",
    every: 100,
    ...more,
    run: async (signal) => {
      runs.push(clock.monotonic())
      await more.run?.(signal)
    },
  })
  return {
    jobs: timerJobs(options, { clock, log, register: metrics.register, random }),
    clock,
    log,
    metrics,
    runs,
    job,
  }
}

describe("timerJobs", () => {
  it("runs jobs again and again until stopped", async () => {
    const { jobs, clock, runs, job } = fixture()
    jobs.add(job())
    await clock.advanceAsync(1_000)
    expect(runs).toEqual([])
    await jobs.start()
    await jobs.start()
    await clock.advanceAsync(350)
    expect(runs).toEqual([1_100, 1_200, 1_300])
    await jobs.stop()
    await jobs[Symbol.asyncDispose]()
    await clock.advanceAsync(1_000)
    expect([runs.length, clock.pending]).toEqual([3, 0])
  })

  it("has a first delay, and takes jobs while running", async () => {
    const { jobs, clock, runs, job } = fixture()
    await jobs.start()
    jobs.add(job({ firstAfter: 0 }))
    await clock.advanceAsync(250)
    expect(runs).toEqual([0, 100, 200])
    expect(() => jobs.add(job())).toThrow(/exists already/)
    expect(() => jobs.add(job({ name: "other", every: 0 }))).toThrow(RangeError)
  })

  it("spreads runs by the given randomness", async () => {
    const random = [0, 0.5, 0.75][Symbol.iterator]()
    const { jobs, clock, runs, job } = fixture({ jitter: 0.2 }, () => random.next().value ?? 0.5)
    jobs.add(job())
    await jobs.start()
    await clock.advanceAsync(300)
    expect(runs).toEqual([80, 180, 290])
  })

  it("does not overlap: the interval begins when a run ends", async () => {
    const { jobs, clock, runs, job } = fixture()
    const ends: (() => void)[] = []
    jobs.add(job({ run: () => new Promise((resolve) => ends.push(resolve)) }))
    await jobs.start()
    await clock.advanceAsync(1_000)
    expect(runs).toEqual([100])
    ends[0]?.()
    await clock.advanceAsync(150)
    expect(runs).toEqual([100, 1_100])
  })

  it("stops only after the running job has ended, which is told", async () => {
    const { jobs, clock, job, log } = fixture()
    let ended = false
    const run = (signal: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          ended = true
          reject(new Error("interrupted"))
        })
      })
    jobs.add(job({ run }))
    await jobs.start()
    await clock.advanceAsync(100)
    await jobs.stop()
    expect([ended, log.entries, clock.pending]).toEqual([true, [], 0])
  })

  it("counts and logs failures, and waits longer after each", async () => {
    const { jobs, clock, runs, job, log, metrics } = fixture({ jitter: 0, longestBackOff: 500 })
    let failing = true
    jobs.add(job({ run: async () => (failing ? Promise.reject(new Error("store")) : undefined) }))
    await jobs.start()
    await clock.advanceAsync(1_700)
    expect(runs).toEqual([100, 300, 700, 1_200, 1_700])
    expect(log.entries.map(({ level, message, fields }) => ({ level, message, ...fields })).slice(0, 2)).toMatchObject([
      { level: "warn", message: "job failed", job: "expire", attempt: 1, retryInMs: 200, error: new Error("store") },
      { attempt: 2, retryInMs: 400 },
    ])
    failing = false
    await clock.advanceAsync(700)
    expect(runs.slice(5)).toEqual([2_200, 2_300, 2_400])
    const text = await metrics.render()
    expect(text).toContain('sluice_job_runs_total{job="expire"} 8')
    expect(text).toContain('sluice_job_failures_total{job="expire"} 5')
  })

  it("retries a rare job long before its next turn", async () => {
    const { jobs, clock, runs, job } = fixture()
    jobs.add(job({ every: 3_600_000, firstAfter: 0, run: () => Promise.reject(new Error("store")) }))
    await jobs.start()
    await clock.advanceAsync(500_000)
    expect(runs).toEqual([0, 60_000, 180_000, 420_000])
  })

  it("survives a job that throws before it is a promise", async () => {
    const { jobs, clock, log, job } = fixture()
    const run = (): Promise<void> => {
      throw new Error("defect")
    }
    jobs.add({ ...job(), run })
    await jobs.start()
    await clock.advanceAsync(100)
    expect(log.entries).toHaveLength(1)
  })
})

describe("aligned jobs", () => {
  const DAY = 86_400_000

  it("run at midnight UTC", async () => {
    const { jobs, clock, runs, job } = fixture({ jitter: 0.5 }, () => 0.9)
    jobs.add(job({ every: DAY, aligned: true }))
    await jobs.start()
    await clock.advanceAsync(2 * DAY)
    expect(runs).toEqual([DAY / 2, DAY * 1.5])
  })

  it("wait again if the timer was early by the wall clock, so that no day is counted twice", async () => {
    const { jobs, clock, runs, job } = fixture()
    jobs.add(job({ every: DAY, aligned: true }))
    await jobs.start()
    await clock.advanceAsync(DAY / 2 - 1_000)
    clock.setNow(START + DAY / 2 - 5_000)
    await clock.advanceAsync(4_999)
    expect(runs).toEqual([])
    await clock.advanceAsync(1)
    expect(runs).toEqual([DAY / 2 + 4_000])
    await jobs.stop()
    await clock.advanceAsync(2 * DAY)
    expect(runs).toHaveLength(1)
  })
})
