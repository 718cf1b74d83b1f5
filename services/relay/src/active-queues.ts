import { DistinctCount } from "./distinct-count.ts"

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

  /**
   * Ends a day: its figure, with that of the week when a Monday begins and of the month when its first day does, as the
   * daily line wants them. What is told starts anew.
   */
  endDay(next: Date): { readonly day: number; readonly week?: number; readonly month?: number } {
    const day = take(this.day)
    const week = next.getUTCDay() === 1 ? { week: take(this.week) } : {}
    const month = next.getUTCDate() === 1 ? { month: take(this.month) } : {}
    return { day, ...week, ...month }
  }
}

function take(count: DistinctCount): number {
  const { value } = count
  count.clear()
  return value
}
