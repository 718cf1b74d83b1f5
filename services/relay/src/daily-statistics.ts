import { appendFile, readFile } from "node:fs/promises"
import { join } from "node:path"
import { ensureFolder, writeFileAtomic } from "@sluice/ops/atomic-file"
import type { Job } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import { ActiveQueues } from "./active-queues.ts"
import { type DayFigures, dailyLine } from "./daily-line.ts"
import { difference, type Numbers, numbersOf } from "./numbers.ts"
import type { Statistics } from "./statistics.ts"

const DAY = 86_400_000
const FILE = "daily.csv"
const STATE = "statistics.json"

/** What the daily line needs besides the counters: levels, read when the line is written. */
export type DayLevels = Pick<DayFigures, "counts" | "services" | "proxy" | "names">

export interface DailyOptions {
  /** Folder of `daily.csv` and of what is kept over a restart. */
  readonly folder: string
  readonly statistics: Statistics
  readonly levels: () => Promise<DayLevels>
  readonly now: () => number
  readonly log: Log
}

/** What survives a restart: counters since the last line, and the sketches of active queues, which hold no IDs. */
interface SavedState {
  readonly version: 1
  readonly from: string
  readonly counters: Numbers
  readonly rcvServices: Numbers
  readonly ntfServices: Numbers
  readonly active: Readonly<Record<"day" | "week" | "month", string>>
  readonly activeNtf: Readonly<Record<"day" | "week" | "month", string>>
}

/**
 * Writes one line a day at 00:00 UTC (relay-operations.md §6). The counters themselves go on growing, so that rates in a
 * dashboard don't fall at midnight; a line is the difference to the one before.
 */
export class DailyStatistics {
  readonly #options: DailyOptions
  #from: Date
  /** Counters when the present day began, less what was counted for it before a restart. */
  #base: { counters: Numbers; rcvServices: Numbers; ntfServices: Numbers }

  constructor(options: DailyOptions) {
    this.#options = options
    this.#from = startOfDay(options.now())
    this.#base = this.#numbers()
  }

  /** Continues the day that a former process began. A file that can't be read is told of, and the day starts anew. */
  async load(): Promise<void> {
    const { folder, statistics, log } = this.#options
    await ensureFolder(folder)
    let text: string
    try {
      text = await readFile(join(folder, STATE), "utf8")
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return
      throw error
    }
    try {
      const saved = JSON.parse(text) as SavedState
      if (saved.version !== 1) throw new Error("unknown version")
      this.#from = new Date(saved.from)
      const now = this.#numbers()
      this.#base = {
        counters: difference(now.counters, saved.counters),
        rcvServices: difference(now.rcvServices, saved.rcvServices),
        ntfServices: difference(now.ntfServices, saved.ntfServices),
      }
      statistics.active = restored(saved.active)
      statistics.activeNtf = restored(saved.activeNtf)
    } catch (error) {
      log.warn("statistics of the day could not be continued", { file: STATE, error })
    }
  }

  async save(): Promise<void> {
    const { folder, statistics } = this.#options
    const state: SavedState = {
      version: 1,
      from: this.#from.toISOString(),
      ...this.#sinceBase(),
      active: saved(statistics.active),
      activeNtf: saved(statistics.activeNtf),
    }
    await writeFileAtomic(join(folder, STATE), `${JSON.stringify(state)}\n`)
  }

  /** Writes the line of the day that has ended, or of several days that no process saw the end of. */
  async endDay(): Promise<void> {
    const { folder, statistics, now, levels } = this.#options
    const next = startOfDay(now())
    const { counters, rcvServices, ntfServices } = this.#sinceBase()
    const line = dailyLine({
      from: this.#from,
      counters,
      rcvServices,
      ntfServices,
      active: statistics.active.endDay(next),
      activeNtf: statistics.activeNtf.endDay(next),
      ...(await levels()),
    })
    await appendFile(join(folder, FILE), `${line}\n`, { mode: 0o600 })
    this.#from = next
    this.#base = this.#numbers()
    await this.save()
  }

  /** The line at midnight, and hourly saving in between. */
  jobs(): Job[] {
    return [
      { name: "daily-statistics", every: DAY, aligned: true, run: () => this.endDay() },
      { name: "save-statistics", every: DAY / 24, run: () => this.save() },
    ]
  }

  #numbers(): { counters: Numbers; rcvServices: Numbers; ntfServices: Numbers } {
    const { statistics } = this.#options
    return {
      counters: numbersOf(statistics),
      rcvServices: numbersOf(statistics.rcvServices),
      ntfServices: numbersOf(statistics.ntfServices),
    }
  }

  #sinceBase(): Pick<DayFigures, "counters" | "rcvServices" | "ntfServices"> {
    const now = this.#numbers()
    return {
      counters: difference(now.counters, this.#base.counters),
      rcvServices: difference(now.rcvServices, this.#base.rcvServices),
      ntfServices: difference(now.ntfServices, this.#base.ntfServices),
    } as Pick<DayFigures, "counters" | "rcvServices" | "ntfServices">
  }
}

function startOfDay(now: number): Date {
  return new Date(Math.floor(now / DAY) * DAY)
}

function saved({ day, week, month }: ActiveQueues): SavedState["active"] {
  return { day: base64(day.registers), week: base64(week.registers), month: base64(month.registers) }
}

function restored({ day, week, month }: SavedState["active"]): ActiveQueues {
  return new ActiveQueues({ day: bytes(day), week: bytes(week), month: bytes(month) })
}

function base64(data: Uint8Array): string {
  return Buffer.from(data).toString("base64")
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"))
}
