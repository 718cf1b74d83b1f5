import { setTimeout as wait } from "node:timers/promises"
import { systemClock } from "@sluice/ops/clock"
import type { Job, JobRunner } from "@sluice/ops/jobs"
import { Metrics } from "@sluice/ops/metrics"
import { recordingLog } from "@sluice/ops/recording-log"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jobRunnerContract, until } from "../../ops/test/job-runner-contract.ts"
import { type BullmqJobsOptions, bullmqJobs } from "../src/bullmq-jobs.ts"
import { openRedis, type RedisConnection } from "../src/connection.ts"
import type { RedisConfig } from "../src/settings.ts"
import { startCluster } from "./start-cluster.ts"
import { startRedis, type TestRedis } from "./start-redis.ts"

let redis: TestRedis
let connection: RedisConnection
let fleets = 0

beforeAll(async () => {
  redis = await startRedis()
  connection = connect(redis.config())
})
afterAll(async () => {
  await connection.close()
  await redis[Symbol.asyncDispose]()
})

function connect(config: RedisConfig): RedisConnection {
  return openRedis(config, { log: recordingLog(), clock: systemClock })
}

/** A node of a fleet: its jobs, and what they counted. */
function node(fleet: string, options: BullmqJobsOptions = {}) {
  const [log, metrics] = [recordingLog(), new Metrics()]
  const components = { connection, clock: systemClock, log, register: metrics.register }
  return { jobs: bullmqJobs({ name: fleet, ...options }, components), log, metrics }
}

function job(run: Job["run"], more: Partial<Job> = {}): Job {
  return { name: "count", every: 200, run, ...more }
}

jobRunnerContract("BullMQ", ({ log, metrics, shortestBackOff }) =>
  bullmqJobs(
    { name: `fleet${fleets++}`, shortestBackOff },
    { connection, clock: systemClock, log, register: metrics.register },
  ),
)

describe("jobs of a fleet", () => {
  it("run once each, however many nodes there are", async () => {
    const fleet = `fleet${fleets++}`
    const runs: { readonly node: number; readonly at: number }[] = []
    const started = Date.now()
    const nodes = await Promise.all(
      Array.from({ length: 4 }, async (_, n) => {
        const { jobs } = node(fleet)
        jobs.add(job(async () => void runs.push({ node: n, at: Date.now() })))
        await jobs.start()
        return jobs
      }),
    )
    await until(() => runs.length >= 8)
    const passed = Date.now() - started
    await stopAll(nodes)
    expect(runs.length).toBeLessThanOrEqual(Math.ceil(passed / 200))
  })

  it("go on when nodes come and go, at the times that they had", async () => {
    const fleet = `fleet${fleets++}`
    const runs: number[] = []
    const note = job(async () => void runs.push(Date.now()))
    let present = node(fleet).jobs
    present.add(note)
    await present.start()
    for (let i = 0; i < 5; i++) {
      // Each of them lives for less than an interval: a schedule that began anew with every node would never come due.
      await wait(120)
      const next = node(fleet).jobs
      next.add(note)
      await next.start()
      await present.stop()
      present = next
    }
    expect(runs.length).toBeGreaterThanOrEqual(2)
    await present.stop()
  })

  it("are taken over from a node that stops in the middle", async () => {
    const fleet = `fleet${fleets++}`
    const [first, second] = [node(fleet), node(fleet)]
    const begun = Promise.withResolvers<void>()
    const done: string[] = []
    const untilTold = async (signal: AbortSignal): Promise<void> => {
      begun.resolve()
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }))
      signal.throwIfAborted()
    }
    first.jobs.add(job(untilTold, { every: 3_600_000, firstAfter: 0 }))
    second.jobs.add(job(async () => void done.push("second"), { every: 3_600_000 }))
    await first.jobs.start()
    await begun.promise
    await second.jobs.start()
    await first.jobs.stop()
    await until(() => done.length === 1)
    await second.jobs.stop()
    expect(await first.metrics.render()).toContain('sluice_job_failures_total{job="count"} 0')
  })

  it("are taken over from a node that is not heard of any more", async () => {
    const fleet = `fleet${fleets++}`
    const [lost, other] = [node(fleet, { stalledAfter: 400 }), node(fleet, { stalledAfter: 400 })]
    const begun = Promise.withResolvers<void>()
    const done: string[] = []
    const paused = async (): Promise<void> => {
      begun.resolve()
      // The event loop stands still, as in a process that was paused.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500)
      done.push("lost")
    }
    lost.jobs.add(job(paused, { every: 3_600_000, firstAfter: 0 }))
    other.jobs.add(job(async () => void done.push("other"), { every: 3_600_000 }))
    await lost.jobs.start()
    await begun.promise
    await other.jobs.start()
    await until(() => done.includes("other"))
    await stopAll([lost.jobs, other.jobs])
  })

  it("wait while Redis is away, and go on by themselves", async () => {
    await using own = await startRedis({ appendonly: true })
    await using ownConnection = connect(own.config())
    const metrics = new Metrics()
    const components = { clock: systemClock, log: recordingLog(), register: metrics.register }
    // A run that was under way counts as lost only after that time.
    const jobs = bullmqJobs({ stalledAfter: 500 }, { ...components, connection: ownConnection })
    const runs: number[] = []
    jobs.add(job(async () => void runs.push(Date.now()), { every: 100 }))
    await jobs.start()
    await until(() => runs.length >= 2)
    await own.kill()
    await wait(300)
    const before = runs.length
    await own.start()
    await until(() => runs.length >= before + 3)
    await jobs.stop()
    expect(await metrics.render()).toMatch(/^sluice_job_queue_errors_total [1-9]/m)
    const keys = (await own.command("KEYS", "*")) as string[]
    expect(keys.filter((key) => !key.startsWith("{sluice:jobs}:"))).toEqual([])
  })
})

it("the queue of jobs is made again in a Redis that came back empty", async () => {
  await using own = await startRedis()
  await using ownConnection = connect(own.config())
  const components = { connection: ownConnection, clock: systemClock, log: recordingLog() }
  const runs: number[] = []
  const nodes = [1, 2].map(() => {
    const jobs = bullmqJobs({}, { ...components, register: new Metrics().register })
    jobs.add(job(async () => void runs.push(Date.now()), { every: 100 }))
    return jobs
  })
  await Promise.all(nodes.map((jobs) => jobs.start()))
  await until(() => runs.length >= 1)
  await own.kill()
  await own.start()
  const before = runs.length
  await until(() => runs.length >= before + 5)
  // Still each once.
  const lately = runs.slice(before + 1)
  expect(lately.every((at, i) => i === 0 || at - (lately[i - 1] ?? 0) > 50)).toBe(true)
  await stopAll(nodes)
})

describe("jobs while Redis is full", () => {
  /** Nodes on a Redis of their own, with a job that removes the first of many keys with each run, and one that does not. */
  async function full() {
    const own = await startRedis()
    const log = recordingLog()
    const connections = [connect(own.config()), connect(own.config())]
    const runs: { readonly job: string; readonly node: number }[] = []
    const nodes = connections.map((connection, n) => {
      const components = { connection, clock: systemClock, log, register: new Metrics().register }
      const jobs = bullmqJobs({ stalledAfter: 400, lookForRoom: 50 }, components)
      jobs.add(job(async () => void runs.push({ job: "count", node: n }), { every: 100 }))
      const run = async (): Promise<void> => {
        runs.push({ job: "remove", node: n })
        await connection.command(["DEL", `body:${runs.filter(({ job: name }) => name === "remove").length}`])
      }
      jobs.add({ name: "remove", every: 300, makesRoom: true, run })
      return jobs
    })
    const runsOf = (name: string): number => runs.filter((run) => run.job === name).length
    return {
      ...{ own, log, nodes, runsOf },
      warnings: () => log.entries.filter(({ level }) => level === "warn").map(({ message }) => message),
      fill: () => own.command("CONFIG", "SET", "maxmemory", 1),
      async [Symbol.asyncDispose](): Promise<void> {
        await stopAll(nodes)
        for (const connection of connections) await connection.close()
        await own[Symbol.asyncDispose]()
      },
    }
  }

  it("stand still but for those that make room, which run once each; and all go on by themselves", async () => {
    await using it = await full()
    await Promise.all(it.nodes.map((jobs) => jobs.start()))
    await until(() => it.runsOf("count") >= 1)
    await it.fill()
    await until(() => it.warnings().length === 2)
    expect(it.warnings()).toEqual(Array(2).fill(expect.stringMatching(/^Redis has no room for the queue of jobs/)))
    const before = [it.runsOf("count"), it.runsOf("remove")] as const
    const begun = Date.now()
    await until(() => it.runsOf("remove") >= before[1] + 4)
    // Two nodes looked every 50 ms, and one of them ran it every 300 ms; the first time at once.
    expect(it.runsOf("remove") - before[1]).toBeLessThanOrEqual(2 + (Date.now() - begun) / 300)
    expect(it.runsOf("count") - before[0]).toBeLessThanOrEqual(1)

    await it.own.command("CONFIG", "SET", "maxmemory", 0)
    const resumed = [it.runsOf("count"), it.runsOf("remove")] as const
    // BullMQ looks again after five seconds.
    await until(() => it.runsOf("count") > resumed[0])
    await until(() => it.runsOf("count") >= resumed[0] + 3 && it.runsOf("remove") > resumed[1])
    const told = it.log.entries.filter(({ level }) => level === "info").map(({ message }) => message)
    expect(told).toEqual(Array(2).fill("Redis has room for the queue of jobs again"))
  })

  it("begin on a Redis that is full and empty of schedules, and are scheduled when it has room", async () => {
    await using it = await full()
    await it.fill()
    await Promise.all(it.nodes.map((jobs) => jobs.start()))
    await until(() => it.runsOf("remove") >= 2)
    expect(it.runsOf("count")).toBe(0)
    await it.own.command("CONFIG", "SET", "maxmemory", 0)
    await until(() => it.runsOf("count") >= 1)
  })

  it("are not run without their queue when that only has no connection, or nothing to do", async () => {
    await using it = await full()
    await Promise.all(it.nodes.map((jobs) => jobs.start()))
    await until(() => it.runsOf("remove") >= 1)
    await it.own.kill()
    const before = it.runsOf("remove")
    await wait(700)
    expect(it.runsOf("remove") - before).toBeLessThanOrEqual(1)
    expect(it.warnings()).toEqual([])
  })
})

it("the end of a node does not wait for a Redis that is away", async () => {
  await using own = await startRedis()
  await using ownConnection = connect(own.config())
  const components = { clock: systemClock, log: recordingLog(), register: new Metrics().register }
  const jobs = bullmqJobs({}, { ...components, connection: ownConnection })
  const runs: number[] = []
  jobs.add(job(async () => void runs.push(Date.now()), { every: 50 }))
  await jobs.start()
  await until(() => runs.length >= 1)
  await own.kill()
  const begun = Date.now()
  await jobs.stop()
  expect(Date.now() - begun).toBeLessThan(5_000)
})

it("the queue of jobs lies in one slot of a Cluster", async () => {
  await using cluster = await startCluster()
  await using own = connect(cluster.config())
  const runs: number[] = []
  const nodes = [1, 2].map(() => {
    const components = { connection: own, clock: systemClock, log: recordingLog(), register: new Metrics().register }
    const jobs = bullmqJobs({}, components)
    jobs.add(job(async () => void runs.push(Date.now()), { every: 100 }))
    return jobs
  })
  await Promise.all(nodes.map((jobs) => jobs.start()))
  await until(() => runs.length >= 3)
  await stopAll(nodes)
})

async function stopAll(nodes: readonly JobRunner[]): Promise<void> {
  await Promise.all(nodes.map((jobs) => jobs.stop()))
}
