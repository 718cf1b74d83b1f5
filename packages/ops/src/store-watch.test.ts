import { expect, it } from "vitest"
import { ManualClock } from "./manual-clock.ts"
import { Metrics } from "./metrics.ts"
import { Readiness } from "./readiness.ts"
import { recordingLog } from "./recording-log.ts"
import { watchStore } from "./store-watch.ts"
import { timerJobs } from "./timer-jobs.ts"

it("makes readiness depend on the store, and counts what is in it", async () => {
  const clock = new ManualClock()
  const log = recordingLog()
  const readiness = new Readiness(clock)
  const jobs = timerJobs({ jitter: 0 }, { clock, log, register: new Metrics().register, random: () => 0.5 })
  let stored = 1
  let problem: Error | undefined
  const store = {
    counts: async () => stored,
    check: () => (problem === undefined ? Promise.resolve() : Promise.reject(problem)),
  }
  const watch = watchStore(store, 0, { log, readiness, jobs })
  expect(watch.counts).toBe(0)
  await jobs.start()
  readiness.started()
  await clock.advanceAsync(0)
  expect(watch.counts).toBe(1)
  stored = 2
  await clock.advanceAsync(5_000)
  expect(watch.counts).toBe(2)

  expect((await readiness.report()).ready).toBe(true)
  expect(log.entries).toEqual([])
  problem = new Error("disk full")
  watch.failed()
  expect((await readiness.report()).failing).toEqual(["store"])
  problem = undefined
  expect((await readiness.report()).ready).toBe(true)
  expect((await readiness.report()).ready).toBe(true)
  expect(log.entries.map(({ message }) => message)).toEqual(["the store answers again"])

  // Also what no operation met.
  problem = new Error("disk full")
  expect((await readiness.report()).ready).toBe(false)
  problem = undefined
  expect((await readiness.report()).ready).toBe(true)
  expect(log.entries).toHaveLength(2)
  await jobs.stop()
})
