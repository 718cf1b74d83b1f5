import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ManualClock } from "@sluice/ops/manual-clock"
import { Metrics } from "@sluice/ops/metrics"
import { recordingLog } from "@sluice/ops/recording-log"
import { timerJobs } from "@sluice/ops/timer-jobs"
import { NO_COUNTS, type StoreCounts } from "@sluice/queue-store/queue-store"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { NO_PROXY } from "./counters.ts"
import type { ProxyFigures } from "./daily-line.ts"
import { DailyStatistics } from "./daily-statistics.ts"
import { Statistics } from "./statistics.ts"

const HOUR = 3_600_000
const DAY = 24 * HOUR
const id = (n: number): Uint8Array => new Uint8Array(24).map((_, i) => (n * 151 + i * 31) & 0xff)

let folder: string

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "daily-")), "statistics")
})

afterEach(() => rm(join(folder, ".."), { recursive: true }))

/** A process that counts; 30 May 2025 was a Friday. */
function relay(at = "2025-05-30T18:00:00Z", options: { folder?: undefined; counts?: () => Promise<StoreCounts> } = {}) {
  const clock = new ManualClock(Date.parse(at))
  const log = recordingLog()
  const statistics = new Statistics()
  let proxy: ProxyFigures = NO_PROXY
  const daily = new DailyStatistics({
    folder,
    statistics,
    proxy: () => proxy,
    counts: async () => ({ ...NO_COUNTS, queues: 7 }),
    now: () => clock.now(),
    log,
    ...options,
  })
  const forwarded = (requests: number): void => {
    proxy = { ...NO_PROXY, forwards: { ...NO_PROXY.forwards, requests } }
  }
  return { clock, log, statistics, daily, forwarded }
}

async function lines(): Promise<string[][]> {
  const text = await readFile(join(folder, "daily.csv"), "utf8").catch(() => "")
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(","))
}

/** Columns by their number in relay-operations.md §6. */
const column = (line: readonly string[] | undefined, ...numbers: number[]): unknown[] =>
  numbers.map((n) => line?.[n - 1])

describe("DailyStatistics", () => {
  it("writes a line at midnight, of what was counted since the one before", async () => {
    const { clock, statistics, daily, forwarded } = relay()
    await daily.load()
    statistics.qCreated = 3
    statistics.sent(id(1), true)
    statistics.names.requests = 2
    statistics.rcvServices.assocNew = 4
    forwarded(9)
    clock.advance(6 * HOUR)
    await daily.endDay()
    statistics.qCreated += 2
    statistics.rcvServices.assocNew += 1
    forwarded(10)
    clock.advance(DAY)
    await daily.endDay()
    const [first, second, ...more] = await lines()
    expect(more).toEqual([])
    expect(column(first, 1, 2, 5, 7, 10, 12, 15, 30, 97)).toEqual([
      "2025-05-30",
      "3",
      "1",
      "1",
      "1",
      "1",
      "7",
      "9",
      "2",
    ])
    expect(column(second, 1, 2, 5, 7, 10, 12, 15, 30, 97)).toEqual([
      "2025-05-31",
      "2",
      "0",
      "0",
      "0",
      "0",
      "7",
      "1",
      "0",
    ])
    // The month ended, the week did not. What services did is never set back.
    expect([column(first, 8, 9), column(second, 8, 9)]).toEqual([
      ["", ""],
      ["", "1"],
    ])
    expect([column(first, 81), column(second, 81)]).toEqual([["4"], ["5"]])
    expect(statistics.qCreated).toBe(5)
    expect(daily.sinceStart.relay.qCreated).toBe(5)
    expect(daily.today.relay.qCreated).toBe(0)
  })

  it("continues the day after a restart", async () => {
    const before = relay()
    await before.daily.load()
    before.statistics.msgSent = 10
    before.statistics.rcvServices.subCount = 3
    before.statistics.active.add(id(1))
    before.forwarded(5)
    await before.daily.save()

    const after = relay("2025-05-30T20:00:00Z")
    await after.daily.load()
    after.statistics.msgSent = 1
    after.statistics.rcvServices.subCount = 1
    after.statistics.active.add(id(1))
    after.statistics.active.add(id(2))
    after.forwarded(2)
    expect(after.daily.today.relay.msgSent).toBe(11)
    expect(after.daily.sinceStart.relay.msgSent).toBe(1)
    after.clock.advance(4 * HOUR)
    await after.daily.endDay()
    const [line] = await lines()
    expect(column(line, 1, 5, 7, 30, 85)).toEqual(["2025-05-30", "11", "2", "7", "4"])
    expect(after.log.entries).toEqual([])
  })

  it("writes at the start what ended while no process was there", async () => {
    const before = relay()
    await before.daily.load()
    before.statistics.msgSent = 10
    before.statistics.active.add(id(1))
    await before.daily.save()

    const after = relay("2025-06-03T09:00:00Z")
    await after.daily.load()
    const [line, ...more] = await lines()
    expect(more).toEqual([])
    expect(column(line, 1, 5, 7, 8, 9)).toEqual(["2025-05-30", "10", "1", "1", "1"])
    expect(after.daily.from).toEqual(new Date("2025-06-03T00:00:00Z"))
    expect(after.daily.today.relay.msgSent).toBe(0)

    const again = relay("2025-06-03T10:00:00Z")
    await again.daily.load()
    expect(await lines()).toHaveLength(1)
  })

  it("counts on when a line cannot be written, and writes it later", async () => {
    let works = false
    const { clock, statistics, daily } = relay(undefined, {
      counts: () => (works ? Promise.resolve(NO_COUNTS) : Promise.reject(new Error("the store is gone"))),
    })
    await daily.load()
    statistics.sent(id(1), false)
    clock.advance(6 * HOUR)
    await expect(daily.endDay()).rejects.toThrow("the store is gone")
    expect(daily.today.relay.msgSent).toBe(1)
    statistics.sent(id(2), false)
    works = true
    await daily.endDay()
    await daily.endDay()
    expect((await lines()).map((line) => column(line, 1, 5, 7))).toEqual([["2025-05-30", "2", "2"]])
  })

  it.each([
    ["no JSON", "{"],
    ["an unknown version", '{"version":2}'],
    ["no date", '{"version":1,"from":"yesterday"}'],
    ["no counters", '{"version":1,"from":"2025-05-30T00:00:00Z"}'],
    ["a counter that is no number", '{"version":1,"from":"2025-05-30T00:00:00Z","today":{"relay":{"qSub":"1"}}}'],
    ["null", "null"],
  ])("starts anew when the saved state has %s", async (_what, text) => {
    const { daily, log, statistics } = relay()
    await daily.load()
    await writeFile(join(folder, "statistics.json"), text)
    statistics.qSub = 1
    await daily.load()
    expect(log.entries).toMatchObject([{ level: "warn", fields: { file: "statistics.json" } }])
    expect(daily.today.relay.qSub).toBe(1)
  })

  it("does not start when the saved state is there but cannot be read", async () => {
    await relay().daily.load()
    await mkdir(join(folder, "statistics.json"))
    await expect(relay().daily.load()).rejects.toThrow("EISDIR")
  })

  it("keeps no IDs", async () => {
    const { daily, statistics } = relay()
    await daily.load()
    statistics.sent(id(77), true)
    await daily.save()
    const saved = await readFile(join(folder, "statistics.json"), "utf8")
    for (const form of ["base64", "base64url", "hex"] as const) {
      expect(saved).not.toContain(Buffer.from(id(77)).toString(form).slice(4, 24))
    }
  })

  it("counts days without a folder, and writes nothing", async () => {
    const { clock, daily, statistics } = relay(undefined, { folder: undefined })
    await daily.load()
    statistics.msgSent = 4
    expect(daily.today.relay.msgSent).toBe(4)
    clock.advance(DAY)
    await daily.endDay()
    await daily.save()
    expect(daily.today.relay.msgSent).toBe(0)
    expect(daily.jobs().map(({ name }) => name)).toEqual(["daily-statistics"])
    expect(await readdir(join(folder, ".."))).toEqual([])
  })

  it("runs by itself at midnight UTC", async () => {
    const { clock, daily, statistics, log } = relay("2025-05-30T22:30:00Z")
    const jobs = timerJobs({}, { clock, log, register: new Metrics().register, random: () => 0.5 })
    for (const job of daily.jobs()) jobs.add(job)
    await daily.load()
    await jobs.start()
    statistics.msgSent = 4
    await clock.advanceAsync(1.5 * HOUR)
    await jobs.stop()
    expect((await lines()).map((line) => column(line, 1, 5))).toEqual([["2025-05-30", "4"]])
  })
})
