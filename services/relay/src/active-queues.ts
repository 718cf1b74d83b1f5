import type { ActiveFigures } from "./daily-line.ts"
import { DistinctCount } from "./distinct-count.ts"

const DAY = 86_400_000

/** Queues with a SEND or ACK in the present UTC day, ISO week and month, estimated (relay-internals.md §12). */
export class ActiveQueues {
  readonly day: DistinctCount
  readonly week: DistinctCount
  readonly month: DistinctCount

  constructor(saved: { readonly day?: Uint8Array; readonly week?: Uint8Array; readonly month?: Uint8Array } = {}) {
    this.day = new DistinctCount(saved.day)
    this.week = new DistinctCount(saved.week)
    this.month = new DistinctCount(saved.month)
  }

  add(recipientId: Uint8Array): void {
    this.day.add(recipientId)
    this.week.add(recipientId)
    this.month.add(recipientId)
  }

  /** The figures at the end of the days from `from` to `next`: those of periods that end, of whichever day, are told. */
  figures(from: Date, next: Date): ActiveFigures {
    return {
      day: this.day.value,
      ...(week(from) !== week(next) && { week: this.week.value }),
      ...(month(from) !== month(next) && { month: this.month.value }),
    }
  }

  /** Begins the day `next` after those from `from` on: what has ended starts anew. */
  begin(from: Date, next: Date): void {
    this.day.clear()
    if (week(from) !== week(next)) this.week.clear()
    if (month(from) !== month(next)) this.month.clear()
  }
}

/** Number of the ISO week, which begins on Monday; 1970 began on a Thursday. */
function week(day: Date): number {
  return Math.floor((day.getTime() / DAY + 3) / 7)
}

function month(day: Date): number {
  return day.getUTCFullYear() * 12 + day.getUTCMonth()
}
