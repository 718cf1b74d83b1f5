import { type Clock, sleep } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { PushSink } from "../context.ts"
import { seconds } from "../context.ts"
import { NO_DEADLINE } from "../deadline.ts"
import type { NtfStatistics } from "../statistics.ts"
import type { NtfStore, ReceivedNotification, RelayId } from "../store/ntf-store.ts"

export interface IntakeParts {
  readonly store: NtfStore
  readonly clock: Clock
  readonly log: Log
  readonly statistics: NtfStatistics
  readonly pushes: PushSink
}

/** What keeps a relay from sending more than can be stored. */
export interface Faucet {
  pause(): void
  resume(): void
}

/** Notifications that wait to be stored before the relay has to wait, and below which it may go on. */
const HIGH = 4096
const LOW = 512
/** Notifications in one operation of the store. */
const TOGETHER = 256
/** Wait before a failed operation is repeated, ms. */
const RETRY = 1000

/** Operations of the store under way at a time; a store does them in the order in which they were started. */
const AT_ONCE = 8

/** Stores the notifications of one relay in their order, and then lets them be pushed. */
export class NotificationIntake {
  readonly #relayId: RelayId
  readonly #parts: IntakeParts
  readonly #storing = new Set<Promise<void>>()
  #waiting: ReceivedNotification[] = []
  #scheduled = false
  #paused: Faucet | undefined
  /** From here on a failure is final. */
  readonly #end = new AbortController()

  constructor(relayId: RelayId, parts: IntakeParts) {
    this.#relayId = relayId
    this.#parts = parts
  }

  /** Takes one notification; its bytes are copied. */
  add({ notifierId, nonce, meta }: ReceivedNotification, faucet: Faucet): void {
    this.#parts.statistics.received++
    this.#waiting.push({ notifierId: notifierId.slice(), nonce: nonce.slice(), meta: meta.slice() })
    if (this.#waiting.length >= HIGH && this.#paused === undefined) {
      this.#paused = faucet
      faucet.pause()
    }
    if (this.#scheduled) return
    this.#scheduled = true
    // All that came in one block belongs together.
    queueMicrotask(() => {
      this.#scheduled = false
      this.#begin()
    })
  }

  /** Resolves when everything that was added is stored, or was tried once more after the deadline and is lost. */
  async drained(deadline: AbortSignal = NO_DEADLINE): Promise<void> {
    const end = (): void => this.#end.abort()
    if (deadline.aborted) end()
    else deadline.addEventListener("abort", end, { once: true })
    while (this.#waiting.length > 0 || this.#storing.size > 0) {
      this.#begin()
      await Promise.all(this.#storing)
    }
  }

  #begin(): void {
    while (this.#waiting.length > 0 && this.#storing.size < AT_ONCE) {
      const storing = this.#store(this.#waiting.splice(0, TOGETHER)).then(() => {
        this.#storing.delete(storing)
        this.#begin()
      })
      this.#storing.add(storing)
    }
    if (this.#waiting.length > LOW) return
    this.#paused?.resume()
    this.#paused = undefined
  }

  /** Never rejects: a relay sends a notification once, so it is kept here until the store takes it. */
  async #store(batch: readonly ReceivedNotification[]): Promise<void> {
    const { store, clock, log, statistics, pushes } = this.#parts
    const { signal } = this.#end
    for (;;) {
      try {
        const { tokens, unwanted } = await store.recordNotifications(this.#relayId, batch, seconds(clock))
        statistics.receivedAuth += unwanted
        for (const tokenId of tokens) pushes.wake({ tokenId, kind: "message" })
        return
      } catch (error) {
        if (isClosed(error) || signal.aborted) {
          log.error("notifications could not be stored before the end and are lost", { count: batch.length, error })
          return
        }
        log.error("notifications could not be stored, trying again", { error })
        await sleep(clock, RETRY, signal).catch(() => undefined)
      }
    }
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && "problem" in error && error.problem === "CLOSED"
}
