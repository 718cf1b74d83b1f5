import { join } from "node:path"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import type { Job } from "@sluice/ops/jobs"
import type { StoreCounts } from "@sluice/queue-store/queue-store"
import { ActiveQueues } from "../active-queues.ts"
import { type Groups, sumGroups } from "../counters.ts"
import { type DayCounts, dailyLine, type ServiceCounts } from "../daily-line.ts"
import { DistinctCount, union } from "../distinct-count.ts"
import type { SharedHashes } from "./shared-hashes.ts"

const HOUR = 3_600_000
const DAY = 86_400_000
/** Days in which what nodes counted is waited for, and kept. */
const PATIENCE = 3
/** Days of which sketches are kept, for the figures of weeks and months, and days of which lines are. */
const SKETCHES = 40
const LINES = 400
/** The lines of the fleet, without a header; each node has the whole file. */
const FILE = "fleet.csv"

/** What one process counted on one day. */
export interface DayShare {
  readonly today: Groups
  readonly services: Groups
  readonly active: Uint8Array
  readonly activeNtf: Uint8Array
}

/** A line as it is kept: with how many shares it was made from, and what was stored then. */
interface KeptLine {
  readonly shares: number
  readonly counts: StoreCounts
  readonly line: string
}

interface Sketches {
  readonly active: string
  readonly activeNtf: string
}

export interface FleetStatisticsOptions {
  readonly hashes: SharedHashes
  /** Folder of the file. */
  readonly folder: string
  /** Name of this process. */
  readonly node: string
  readonly counts: () => Promise<StoreCounts>
  readonly now: () => number
}

/**
 * Figures by day of a whole fleet: each process gives what it counted when its day has ended, one of them adds that up,
 * and all write the result. Active queues are counted once however many processes saw them: sketches are united.
 */
export class FleetStatistics {
  readonly #options: FleetStatisticsOptions

  constructor(options: FleetStatisticsOptions) {
    this.#options = options
  }

  /** Gives what this process counted on a day that has ended. */
  give(from: Date, share: DayShare): Promise<void> {
    const { hashes, node } = this.#options
    const text = { ...share, active: base64(share.active), activeNtf: base64(share.activeNtf) }
    return hashes.set("shares", `${dayOf(from)}/${node}`, JSON.stringify(text))
  }

  /** Makes the lines of days that have ended, or again when a process came late. To be done by one for all. */
  async addUp(): Promise<void> {
    const { hashes, now } = this.#options
    const shares = await hashes.all("shares")
    const lines = await hashes.all("lines")
    for (let ago = PATIENCE; ago >= 1; ago--) {
      const from = new Date((Math.floor(now() / DAY) - ago) * DAY)
      const given = [...shares]
        .filter(([field]) => field.startsWith(`${dayOf(from)}/`))
        .map(([, text]) => parseShare(text))
      const kept = lines.get(dayOf(from))
      const known = kept === undefined ? undefined : (JSON.parse(kept) as KeptLine)
      if (given.length > (known?.shares ?? 0)) await this.#addDay(from, given, known)
    }
    const oldest = (days: number): string => dayOf(new Date(now() - days * DAY))
    for (const [hash, days] of [
      ["shares", PATIENCE + 1],
      ["sketches", SKETCHES],
      ["lines", LINES],
    ] as const) {
      const fields = [...(await hashes.all(hash)).keys()]
      await hashes.remove(
        hash,
        fields.filter((field) => field < oldest(days)),
      )
    }
  }

  /** Writes the lines of all days. */
  async write(): Promise<void> {
    const { hashes, folder } = this.#options
    const lines = [...(await hashes.all("lines"))].toSorted(([a], [b]) => (a < b ? -1 : 1))
    const text = lines.map(([, kept]) => `${(JSON.parse(kept) as KeptLine).line}\n`).join("")
    await writeFileAtomic(join(folder, FILE), text)
  }

  jobs(): Job[] {
    return [
      { name: "fleet-statistics", scope: "fleet", every: HOUR, aligned: true, run: () => this.addUp() },
      { name: "write-fleet-statistics", every: HOUR / 2, firstAfter: HOUR / 60, run: () => this.write() },
    ]
  }

  async #addDay(from: Date, given: readonly DayShare[], known: KeptLine | undefined): Promise<void> {
    const { hashes } = this.#options
    const [first, ...others] = given
    if (first === undefined) return
    const add = (of: (share: DayShare) => Groups): Groups => others.map(of).reduce(sumGroups, of(first))
    const day: Sketches = {
      active: base64(union(given.map(({ active }) => active))),
      activeNtf: base64(union(given.map(({ activeNtf }) => activeNtf))),
    }
    await hashes.set("sketches", dayOf(from), JSON.stringify(day))
    const sketches = await hashes.all("sketches")
    const next = new Date(from.getTime() + DAY)
    const figures = (kind: keyof Sketches) => activeQueues(sketches, kind, from).figures(from, next)
    const counts = known?.counts ?? (await this.#options.counts())
    const line = dailyLine({
      from,
      // Groups have the names of what they were read from, which the compiler can't see through JSON.
      day: add(({ today }) => today) as unknown as DayCounts,
      services: add(({ services }) => services) as unknown as ServiceCounts,
      active: figures("active"),
      activeNtf: figures("activeNtf"),
      counts,
    })
    const kept: KeptLine = { shares: given.length, counts, line }
    await hashes.set("lines", dayOf(from), JSON.stringify(kept))
  }
}

/** Active queues of the day, and of its ISO week and month up to then. */
function activeQueues(sketches: ReadonlyMap<string, string>, kind: keyof Sketches, day: Date): ActiveQueues {
  const since = (begin: number): Uint8Array => {
    const days = [...sketches].filter(([name]) => name >= dayOf(new Date(begin)) && name <= dayOf(day))
    return union(days.map(([, text]) => bytes((JSON.parse(text) as Sketches)[kind])))
  }
  const weekday = (day.getUTCDay() + 6) % 7
  return new ActiveQueues({
    day: since(day.getTime()),
    week: since(day.getTime() - weekday * DAY),
    month: since(Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), 1)),
  })
}

function parseShare(text: string): DayShare {
  const { today, services, active, activeNtf } = JSON.parse(text) as Omit<DayShare, keyof Sketches> & Sketches
  return { today, services, active: bytes(active), activeNtf: bytes(activeNtf) }
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}

function base64(data: Uint8Array): string {
  return Buffer.from(data).toString("base64")
}

function bytes(text: string): Uint8Array {
  const { registers } = new DistinctCount(new Uint8Array(Buffer.from(text, "base64")))
  return registers
}
