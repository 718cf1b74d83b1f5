import { ActiveQueues } from "./active-queues.ts"
import type { Groups } from "./counters.ts"
import type { Numbers } from "./numbers.ts"

/** What survives a restart: counters, and the sketches of active queues, which hold no IDs. */
export interface SavedStatistics {
  /** First day of what is counted in `today`. */
  readonly from: Date
  readonly today: Groups
  readonly services: Groups
  readonly active: ActiveQueues
  readonly activeNtf: ActiveQueues
}

const VERSION = 1

/** As JSON in one line. */
export function formatSaved({ from, today, services, active, activeNtf }: SavedStatistics): string {
  const sketches = { active: sketchesOf(active), activeNtf: sketchesOf(activeNtf) }
  return `${JSON.stringify({ version: VERSION, from: from.toISOString(), today, services, ...sketches })}\n`
}

/** Reads what {@link formatSaved} wrote. Throws a plain `Error` for anything else. */
export function parseSaved(text: string): SavedStatistics {
  const { version, from, today, services, active, activeNtf } = record(JSON.parse(text))
  if (version !== VERSION) throw new Error("unknown version of the saved statistics")
  const date = new Date(String(from))
  if (Number.isNaN(date.getTime())) throw new Error("the saved statistics have no date")
  return {
    from: date,
    today: groups(today),
    services: groups(services),
    active: activeQueues(active),
    activeNtf: activeQueues(activeNtf),
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new Error("the saved statistics are incomplete")
  return value as Readonly<Record<string, unknown>>
}

function groups(value: unknown): Groups {
  return Object.fromEntries(Object.entries(record(value)).map(([name, group]) => [name, numbers(group)]))
}

function numbers(value: unknown): Numbers {
  const entries = Object.entries(record(value))
  if (!entries.every(isNumber)) throw new Error("the saved statistics hold something that is no number")
  return Object.fromEntries(entries)
}

function isNumber(entry: [string, unknown]): entry is [string, number] {
  return Number.isFinite(entry[1])
}

function sketchesOf({ day, week, month }: ActiveQueues): Readonly<Record<"day" | "week" | "month", string>> {
  const base64 = (data: Uint8Array): string => Buffer.from(data).toString("base64")
  return { day: base64(day.registers), week: base64(week.registers), month: base64(month.registers) }
}

function activeQueues(value: unknown): ActiveQueues {
  const { day, week, month } = record(value)
  const bytes = (text: unknown): Uint8Array => new Uint8Array(Buffer.from(String(text), "base64"))
  return new ActiveQueues({ day: bytes(day), week: bytes(week), month: bytes(month) })
}
