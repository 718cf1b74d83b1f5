import { setTimeout as wait } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import type { Job, JobRunner } from "../src/jobs.ts"
import { Metrics } from "../src/metrics.ts"
import { type RecordingLog, recordingLog } from "../src/recording-log.ts"

/** What a runner of the contract is made with: real time, short waits. */
export interface RunnerParts {
  readonly log: RecordingLog
  readonly metrics: Metrics
  /** What a first failure doubles, in milliseconds. */
  readonly shortestBackOff: number
}

/** Makes a runner that shares nothing with those before. */
export type MakeRunner = (parts: RunnerParts) => JobRunner | Promise<JobRunner>

/** Milliseconds between runs: small, and large beside what running one takes. */
const EVERY = 120
/** Longest wait for what must come. Only a failing test waits so long. */
const PATIENCE = 10_000

/** What every job runner must do. */
export function jobRunnerContract(name: string, make: MakeRunner): void {
  const fixture = async () => {
    const [log, metrics] = [recordingLog(), new Metrics()]
    const runs: number[] = []
    const noted = (job: Partial<Job> = {}): Job => ({
      name: "note",
      every: EVERY,
      ...job,
      run: async (signal) => {
        runs.push(Date.now())
        await job.run?.(signal)
      },
    })
    const value = async (metric: string): Promise<number> => {
      const line = (await metrics.render()).split("\n").find((text) => text.startsWith(`${metric}{job="note"}`))
      return Number(line?.split(" ")[1])
    }
    return { jobs: await make({ log, metrics, shortestBackOff: 20 }), log, runs, noted, value }
  }

  describe(`${name}: contract of job runners`, () => {
    it("runs a job again and again, from the start to the stop", async () => {
      const { jobs, runs, noted, value } = await fixture()
      jobs.add(noted())
      await wait(EVERY)
      expect(runs).toEqual([])
      const started = Date.now()
      await jobs.start()
      await jobs.start()
      await until(() => runs.length >= 3)
      await jobs.stop()
      await jobs.stop()
      await jobs[Symbol.asyncDispose]()
      const seen = runs.length
      // Runs that were late may be nearer to each other, but there are not more of them than time allows.
      expect((Date.now() - started) / EVERY).toBeGreaterThan(seen * 0.7)
      await wait(2 * EVERY)
      expect(runs).toHaveLength(seen)
      expect(await value("sluice_job_runs_total")).toBe(seen)
      expect(await value("sluice_job_failures_total")).toBe(0)
    })

    it("runs several jobs, also one that is added later", async () => {
      const { jobs, runs, noted } = await fixture()
      const others: string[] = []
      const other = (job: string): Job => ({ name: job, every: EVERY, run: async () => void others.push(job) })
      jobs.add(noted())
      jobs.add(other("second"))
      await jobs.start()
      jobs.add(other("third"))
      await until(() => runs.length > 1 && new Set(others).size === 2)
      await jobs.stop()
    })

    it("begins when the job says so", async () => {
      const { jobs, runs, noted } = await fixture()
      jobs.add(noted({ every: 3_600_000, firstAfter: 0 }))
      await jobs.start()
      await until(() => runs.length === 1)
      await jobs.stop()
      expect(runs).toHaveLength(1)
    })

    it("runs at multiples of the interval when it is asked to", async () => {
      const { jobs, runs, noted } = await fixture()
      jobs.add(noted({ every: 500, aligned: true }))
      await jobs.start()
      await until(() => runs.length === 2)
      await jobs.stop()
      // Late by what a busy machine takes, never early.
      for (const at of runs) expect(at % 500).toBeLessThan(400)
    })

    it("never runs a job twice at the same time", async () => {
      const { jobs, runs, noted } = await fixture()
      let running = 0
      const counts: number[] = []
      const run = async (): Promise<void> => {
        counts.push(++running)
        await wait(2 * EVERY)
        running--
      }
      jobs.add(noted({ every: 50, run }))
      await jobs.start()
      await until(() => runs.length === 4)
      await jobs.stop()
      expect([Math.max(...counts), running]).toEqual([1, 0])
    })

    it("tries again after a failure, which is logged and counted", async () => {
      const { jobs, runs, noted, log, value } = await fixture()
      const run = async (): Promise<void> => {
        if (runs.length < 3) throw new Error("not now")
      }
      jobs.add(noted({ every: 2_000, firstAfter: 0, run }))
      await jobs.start()
      await until(() => runs.length === 3)
      // Sooner than a regular run would have been.
      expect((runs[2] ?? 0) - (runs[0] ?? 0)).toBeLessThan(1_500)
      await jobs.stop()
      expect(log.entries.filter(({ message }) => message === "job failed")).toMatchObject([
        { level: "warn", fields: { job: "note", attempt: 1 } },
        { level: "warn", fields: { job: "note", attempt: 2 } },
      ])
      expect(await value("sluice_job_failures_total")).toBe(2)
      expect(await value("sluice_job_runs_total")).toBe(3)
    })

    it("tells a running job to end, and waits for it", async () => {
      const { jobs, runs, noted, value, log } = await fixture()
      let ended = false
      const run = async (signal: AbortSignal): Promise<void> => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }))
        await wait(30)
        ended = true
        signal.throwIfAborted()
      }
      jobs.add(noted({ firstAfter: 0, run }))
      await jobs.start()
      await until(() => runs.length === 1)
      await jobs.stop()
      expect([ended, runs.length]).toEqual([true, 1])
      // Ending with an error because it was told to end is not a failure.
      expect(await value("sluice_job_failures_total")).toBe(0)
      expect(log.entries.filter(({ level }) => level !== "debug")).toEqual([])
    })

    it("refuses two jobs of one name, and intervals that are none", async () => {
      const { jobs, noted } = await fixture()
      jobs.add(noted())
      expect(() => jobs.add(noted())).toThrow("a job named note exists already")
      expect(() => jobs.add(noted({ name: "never", every: 0 }))).toThrow(RangeError)
      await jobs.stop()
    })

    it("does nothing after a stop that came first", async () => {
      const { jobs, runs, noted } = await fixture()
      jobs.add(noted({ firstAfter: 0 }))
      await jobs.stop()
      await jobs.start()
      await wait(2 * EVERY)
      expect(runs).toEqual([])
    })
  })
}

/** Resolves when it holds. */
export async function until(holds: () => boolean): Promise<void> {
  const late = new Error(`it did not come to that within ${PATIENCE / 1000} s`)
  for (let waited = 0; !holds(); waited += 10) {
    if (waited > PATIENCE) throw late
    await wait(10)
  }
}
