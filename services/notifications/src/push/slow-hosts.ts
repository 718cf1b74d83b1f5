import type { Clock } from "@sluice/ops/clock"
import { Lru } from "@sluice/ops/lru"
import type { PushOutcome } from "@sluice/push/provider"
import { isChosenByDevices } from "./push-target.ts"

/** How long a host that did not answer gets one attempt at a time, ms; each further time begins anew. */
const SLOW_FOR = 300_000
/** Hosts that are remembered, some 150 bytes each. */
const MOST_HOSTS = 10_000

/**
 * Hosts of Web Push that did not answer in time. Devices choose them, so there may be many that never answer, and each
 * attempt at one keeps a connection and a push for the whole of its time: together they get few.
 */
export class SlowHosts {
  readonly #clock: Clock
  /** Until when, monotonic milliseconds, by lane. */
  readonly #until = new Lru<string, number>(MOST_HOSTS)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether a lane gets one attempt at a time now. */
  has(lane: string): boolean {
    const until = this.#until.peek(lane)
    return until !== undefined && this.#clock.monotonic() < until
  }

  /** Notes what became of an attempt: any answer is that of a host that is there. */
  note(lane: string, outcome: PushOutcome): void {
    if (!isChosenByDevices(lane)) return
    const cause = outcome.outcome === "retry" ? outcome.cause : undefined
    if (cause === "timeout") this.#until.set(lane, this.#clock.monotonic() + SLOW_FOR)
    else if (cause !== "connection" && outcome.outcome !== "failed") this.#until.delete(lane)
  }
}
