import type { Clock, Timer } from "@sluice/ops/clock"
import type { Peeked, QueueStore } from "@sluice/queue-store/queue-store"
import { type Subscription, startReading } from "./subscription.ts"

export interface HeadReaderParts {
  readonly store: Pick<QueueStore, "peek">
  readonly clock: Clock
  /** Told what is at the head of the queue, unless the subscription ended or was answered meanwhile. */
  readonly found: (subscription: Subscription, peeked: Peeked) => void
  readonly onError: (error: unknown) => void
}

/** Heads that are read with one call: their bodies are in memory together, 16 KB each. */
const BATCH = 64
/** Waiting times after failures of the store, milliseconds. */
const FIRST_RETRY = 100
const LAST_RETRY = 5_000

/**
 * Reads heads of queues outside of any command: those of one turn together, and again while the store fails. A
 * subscription that waits for its turn is in state `reading`, so whatever is stored meanwhile is not forgotten.
 */
export class HeadReader {
  readonly #parts: HeadReaderParts
  #waiting = new Set<Subscription>()
  #failed = new Set<Subscription>()
  #scheduled = false
  #delay = FIRST_RETRY
  #timer: Timer | undefined
  #stopped = false

  constructor(parts: HeadReaderParts) {
    this.#parts = parts
  }

  read(subscription: Subscription): void {
    if (subscription.ended) return
    startReading(subscription)
    this.#waiting.add(subscription)
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      const waiting = [...this.#waiting]
      this.#waiting = new Set()
      for (let at = 0; at < waiting.length; at += BATCH) this.#readBatch(waiting.slice(at, at + BATCH))
    })
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#failed.clear()
  }

  #readBatch(batch: readonly Subscription[]): void {
    this.#parts.store.peek(batch.map(({ recipientId }) => recipientId)).then(
      (all) => {
        this.#delay = FIRST_RETRY
        for (const [index, subscription] of batch.entries()) {
          if (!subscription.ended && subscription.state === "reading") this.#parts.found(subscription, all[index] ?? {})
        }
      },
      (error: unknown) => {
        this.#parts.onError(error)
        this.#later(batch)
      },
    )
  }

  #later(batch: readonly Subscription[]): void {
    if (this.#stopped) return
    for (const subscription of batch) this.#failed.add(subscription)
    if (this.#timer !== undefined) return
    this.#timer = this.#parts.clock.setTimeout(() => this.#again(), this.#delay, { background: true })
    this.#delay = Math.min(2 * this.#delay, LAST_RETRY)
  }

  #again(): void {
    this.#timer = undefined
    const failed = this.#failed
    this.#failed = new Set()
    for (const subscription of failed) if (subscription.state === "reading") this.read(subscription)
  }
}
