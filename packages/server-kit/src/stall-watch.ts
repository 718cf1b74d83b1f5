import type { Clock, Timer } from "@sluice/ops/clock"

/** What a {@link StallWatch} watches. */
export interface Congestible {
  readonly congested: boolean
  /** The peer has taken nothing for too long. */
  stalled(): void
}

/**
 * Notices a peer that takes nothing of its output for a time. Congestion comes and goes many times a second on a busy
 * session, so the one timer is left alone then: when it fires, it looks how long ago anything moved.
 */
export class StallWatch {
  readonly #clock: Clock
  readonly #timeout: number | undefined
  readonly #watched: Congestible
  #timer: Timer | undefined
  #movedAt = 0

  /** @param timeout milliseconds; with `undefined` nothing stalls */
  constructor(clock: Clock, timeout: number | undefined, watched: Congestible) {
    this.#clock = clock
    this.#timeout = timeout
    this.#watched = watched
  }

  /** Congestion begins. */
  begin(): void {
    this.moved()
    if (this.#timeout !== undefined && this.#timer === undefined) this.#arm(this.#timeout, this.#timeout)
  }

  /** The peer took something. */
  moved(): void {
    this.#movedAt = this.#clock.monotonic()
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(timeout: number, delay: number): void {
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#timer = undefined
        if (!this.#watched.congested) return
        const left = timeout - (this.#clock.monotonic() - this.#movedAt)
        if (left <= 0) this.#watched.stalled()
        else this.#arm(timeout, left)
      },
      delay,
      { background: true },
    )
  }
}
