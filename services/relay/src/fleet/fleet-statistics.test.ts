import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NO_COUNTS } from "@sluice/queue-store/queue-store"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { Counters } from "../counters.ts"
import { DistinctCount } from "../distinct-count.ts"
import { numbersOf } from "../numbers.ts"
import { Statistics } from "../statistics.ts"
import { type DayShare, FleetStatistics } from "./fleet-statistics.ts"
import type { SharedHashes } from "./shared-hashes.ts"

const DAY = 86_400_000
/** A Friday, the last day of its month but one. */
const FRIDAY = Date.parse("2025-05-30T00:00:00Z")
const id = (n: number): Uint8Array => new Uint8Array(24).map((_, i) => (n * 151 + i * 31) & 0xff)

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fleet-statistics-"))
})
afterEach(() => rm(folder, { recursive: true }))

/** Tables in memory. */
function inMemory(): SharedHashes & { readonly tables: Map<string, Map<string, string>> } {
  const tables = new Map<string, Map<string, string>>()
  const table = (name: string): Map<string, string> => {
    const known = tables.get(name) ?? new Map<string, string>()
    tables.set(name, known)
    return known
  }
  return {
    tables,
    set: async (hash, field, value) => void table(hash).set(field, value),
    all: async (hash) => new Map(table(hash)),
    remove: async (hash, fields) => {
      for (const field of fields) table(hash).delete(field)
    },
  }
}

function fleet() {
  const hashes = inMemory()
  let [now, queues] = [FRIDAY + DAY, 7]
  const node = (name: string): FleetStatistics =>
    new FleetStatistics({ hashes, folder, node: name, counts: async () => ({ ...NO_COUNTS, queues }), now: () => now })
  return {
    hashes,
    node,
    days: (n: number) => {
      now += n * DAY
    },
    stored: (n: number) => {
      queues = n
    },
  }
}

/** What a process counted: messages, and queues by number. */
function share(msgSent: number, queues: readonly number[]): DayShare {
  const statistics = new Statistics()
  Object.assign(statistics, { msgSent })
  const counters = new Counters(statistics)
  const groups = (all: object) =>
    Object.fromEntries(Object.entries(all).map(([name, group]) => [name, numbersOf(group as object)]))
  const active = new DistinctCount()
  for (const n of queues) active.add(id(n))
  return {
    today: groups(counters.sinceStart),
    services: groups(counters.services),
    active: active.registers,
    activeNtf: new DistinctCount().registers,
  }
}

async function lines(): Promise<string[][]> {
  const text = await readFile(join(folder, "fleet.csv"), "utf8")
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(","))
}

/** Date, messages sent, active queues of day, week and month, queues stored. */
const figures = (line: readonly string[] | undefined): unknown[] => [0, 4, 6, 7, 8, 14].map((column) => line?.[column])

describe("FleetStatistics", () => {
  it("adds up what processes counted, and counts a queue once that several of them saw", async () => {
    const { node } = fleet()
    const [a, b] = [node("a"), node("b")]
    await a.give(new Date(FRIDAY), share(10, [1, 2, 3]))
    await b.give(new Date(FRIDAY), share(5, [3, 4]))
    await a.addUp()
    await b.write()
    expect((await lines()).map(figures)).toEqual([["2025-05-30", "15", "4", "", "", "7"]])
  })

  it("makes a line once, and again when a process came late", async () => {
    const { node, hashes, stored } = fleet()
    const a = node("a")
    await a.give(new Date(FRIDAY), share(10, [1]))
    await a.addUp()
    const first = hashes.tables.get("lines")?.get("2025-05-30")
    stored(99)
    await node("b").addUp()
    expect(hashes.tables.get("lines")?.get("2025-05-30")).toBe(first)
    await node("b").give(new Date(FRIDAY), share(1, [2]))
    await a.addUp()
    await a.write()
    expect((await lines()).map(figures)).toEqual([["2025-05-30", "11", "2", "", "", "7"]])
  })

  it("tells queues of the week and of the month with their last day", async () => {
    const { node, days } = fleet()
    const a = node("a")
    // Friday to Sunday; Saturday ends the month, Sunday ends the week.
    for (const [day, queues] of [[1, 2], [2, 3], [4]].entries()) {
      await a.give(new Date(FRIDAY + day * DAY), share(1, queues))
      await a.addUp()
      days(1)
    }
    await a.addUp()
    await a.write()
    expect((await lines()).map(figures)).toEqual([
      ["2025-05-30", "1", "2", "", "", "7"],
      ["2025-05-31", "1", "2", "", "3", "7"],
      ["2025-06-01", "1", "1", "4", "", "7"],
    ])
  })

  it("keeps a bounded number of days, and does nothing without figures", async () => {
    const { node, days, hashes } = fleet()
    const a = node("a")
    await a.addUp()
    await a.write()
    expect(await lines()).toEqual([])
    await a.give(new Date(FRIDAY), share(1, [1]))
    await a.addUp()
    const kept = (): number[] => ["shares", "sketches", "lines"].map((name) => hashes.tables.get(name)?.size ?? 0)
    expect(kept()).toEqual([1, 1, 1])
    days(10)
    await a.addUp()
    expect(kept()).toEqual([0, 1, 1])
    days(40)
    await a.addUp()
    expect(kept()).toEqual([0, 0, 1])
    days(400)
    await a.addUp()
    expect(kept()).toEqual([0, 0, 0])
  })
})
