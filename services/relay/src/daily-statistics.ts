import { appendFile, readFile } from "node:fs/promises"
import { join } from "node:path"
import { ensureFolder, writeFileAtomic } from "@sluice/ops/atomic-file"
import type { Job } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import type { StoreCounts } from "@sluice/queue-store/queue-store"
import { Counters } from "./counters.ts"
import { type DayCounts, dailyLine, type ProxyFigures, type ServiceCounts } from "./daily-line.ts"
import type { DayShare } from "./fleet/fleet-statistics.ts"
import { numbersOf } from "./numbers.ts"
import { formatSaved, parseSaved, type SavedStatistics } from "./saved-statistics.ts"
import type { Statistics } from "./statistics.ts"

const DAY = 86_400_000
/** The daily lines, without a header. */
const FILE = "daily.csv"
/** What is kept over a restart. */
const STATE = "statistics.json"

export interface DailyOptions {
  /** Folder of what is written; without one, days are counted and nothing is written. */
  readonly folder?: string | undefined
  readonly statistics: Statistics
  readonly proxy?: (() => ProxyFigures) | undefined
  readonly counts: () => Promise<StoreCounts>
  readonly now: () => number
  readonly log: Log
  /** Told what this process counted on a day, when it has ended. */
  readonly onDay?: ((from: Date, share: DayShare) => Promise<void>) | undefined
}

/** Counts by UTC day, and writes one line for each at its end (relay-operations.md §6). */
export class DailyStatistics {
  readonly #options: DailyOptions
  readonly #counters: Counters
  #from: Date
  /** Whether what a former process left is known: nothing must be written over it before. */
  #loaded = false

  constructor(options: DailyOptions) {
    this.#options = options
    this.#counters = new Counters(options.statistics, options.proxy)
    this.#from = startOfDay(options.now())
  }

  /** First day of what {@link today} counts: this day, unless its line could not be written. */
  get from(): Date {
    return this.#from
  }

  get today(): DayCounts {
    return this.#counters.today
  }

  get sinceStart(): DayCounts {
    return this.#counters.sinceStart
  }

  /** Counters of services, which no day ends. */
  get services(): ServiceCounts {
    return this.#counters.services
  }

  /**
   * Continues what a former process counted; if its last day has ended meanwhile, that is written now. A file that is no
   * such state is told of, and the day starts anew.
   */
  async load(): Promise<void> {
    const { folder, statistics, log } = this.#options
    if (folder === undefined) return
    await ensureFolder(folder)
    const text = await readIfThere(join(folder, STATE))
    this.#loaded = true
    if (text === undefined) return
    let saved: SavedStatistics
    try {
      saved = parseSaved(text)
    } catch (error) {
      log.warn("statistics of the day could not be continued", { file: STATE, error })
      return
    }
    this.#from = saved.from
    this.#counters.restore(saved.today, saved.services)
    statistics.active = saved.active
    statistics.activeNtf = saved.activeNtf
    await this.endDay()
  }

  /** Keeps what was counted for the next process. Does nothing before {@link load}. */
  async save(): Promise<void> {
    const { folder, statistics } = this.#options
    if (folder === undefined || !this.#loaded) return
    const { active, activeNtf } = statistics
    const { today, services } = this.#counters
    const groups = { today: numbersOfGroups(today), services: numbersOfGroups(services) }
    await writeFileAtomic(join(folder, STATE), formatSaved({ from: this.#from, ...groups, active, activeNtf }))
  }

  /**
   * Writes the line of the day that has ended, or of several that no process saw the end of. Does nothing while the day
   * goes on; when the line cannot be written, everything goes on being counted for the next attempt.
   */
  async endDay(): Promise<void> {
    const { folder, statistics, now } = this.#options
    const from = this.#from
    const next = startOfDay(now())
    if (next <= from) return
    const counts = await this.#options.counts()
    const { active, activeNtf } = statistics
    const day = this.#counters.today
    if (folder !== undefined) {
      const figures = { active: active.figures(from, next), activeNtf: activeNtf.figures(from, next) }
      const line = dailyLine({ from, day, services: this.#counters.services, ...figures, counts })
      await appendFile(join(folder, FILE), `${line}\n`, { mode: 0o600 })
    }
    await this.#tell(from, day)
    active.begin(from, next)
    activeNtf.begin(from, next)
    this.#counters.beginDay(day)
    this.#from = next
    await this.save()
  }

  /** The line is written: what others make of the day must not make it be written again. */
  async #tell(from: Date, day: DayCounts): Promise<void> {
    const { onDay, statistics, log } = this.#options
    const { active, activeNtf } = statistics
    const groups = { today: numbersOfGroups(day), services: numbersOfGroups(this.#counters.services) }
    const sketches = { active: active.day.registers.slice(), activeNtf: activeNtf.day.registers.slice() }
    try {
      await onDay?.(from, { ...groups, ...sketches })
    } catch (error) {
      log.warn("statistics of the day could not be given to the fleet", { error })
    }
  }

  /** The end of the day at midnight, and hourly saving in between. */
  jobs(): Job[] {
    const end: Job = { name: "daily-statistics", every: DAY, aligned: true, run: () => this.endDay() }
    if (this.#options.folder === undefined) return [end]
    return [end, { name: "save-statistics", every: DAY / 24, run: () => this.save() }]
  }
}

function startOfDay(now: number): Date {
  return new Date(Math.floor(now / DAY) * DAY)
}

function numbersOfGroups(groups: object): SavedStatistics["today"] {
  return Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, numbersOf(group)]))
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8")
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
}
