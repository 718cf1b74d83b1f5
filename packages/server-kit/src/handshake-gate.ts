import type { Clock, Timer } from "@sluice/ops/clock"

/**
 * Milliseconds for which a handshake keeps its place. An honest one is done long before; a peer that says nothing goes
 * on without a place until its own limit, so that a few thousand silent peers can't keep everybody else out.
 */
export const PLACE_TIME = 2_000

/**
 * Lets a bounded number of handshakes run at a time; others wait in order, in a bounded line. A handshake costs about a
 * millisecond of processor time, and a storm of reconnecting clients must not starve the sessions that exist.
 */
export class HandshakeGate {
  readonly #places: number
  readonly #line: number
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor(places: number, line: number, clock: Clock) {
    this.#places = places
    this.#line = line
    this.#clock = clock
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Calls `begin` when there is a place, at once or later. Returns how to leave: the place or the line, whichever it is;
   * can be called twice. `undefined` when the line is full.
   */
  enter(begin: () => void): (() => void) | undefined {
    if (this.#running >= this.#places && this.#waiting.size >= this.#line) return undefined
    let timer: Timer | undefined
    let state: "waiting" | "running" | "left" = "waiting"
    const leave = (): void => {
      timer?.cancel()
      const was = state
      state = "left"
      if (was === "waiting") this.#waiting.delete(start)
      if (was !== "running") return
      this.#running--
      this.#next()
    }
    const start = (): void => {
      state = "running"
      this.#running++
      timer = this.#clock.setTimeout(leave, PLACE_TIME, { background: true })
      begin()
    }
    if (this.#running < this.#places) start()
    else this.#waiting.add(start)
    return leave
  }

  #next(): void {
    for (const start of this.#waiting) {
      this.#waiting.delete(start)
      start()
      return
    }
  }
}
