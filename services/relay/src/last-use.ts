import type { Clock } from "@sluice/ops/clock"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { QueueRecord } from "@sluice/queue-store/records"

const DAY = 86_400

/** The UTC day of a time, both in seconds. */
export function utcDay(seconds: number): number {
  return Math.floor(seconds / DAY) * DAY
}

/** Keeps the day of the last use of each queue: at most one write per queue and day (smp.md §1). */
export class LastUse {
  readonly #store: QueueStore
  readonly #clock: Clock
  readonly #onError: (error: unknown) => void

  constructor(store: QueueStore, clock: Clock, onError: (error: unknown) => void) {
    this.#store = store
    this.#clock = clock
    this.#onError = onError
  }

  get today(): number {
    return utcDay(this.#clock.now() / 1000)
  }

  /** Notes that the queue was used today. Not part of any answer: a failed write is repeated with the next use. */
  note(queue: QueueRecord): void {
    const { today } = this
    if (queue.updatedAt >= today) return
    this.#store.touch([queue.recipientId], today).catch(this.#onError)
  }
}
