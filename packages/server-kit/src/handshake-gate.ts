/**
 * Lets a bounded number of handshakes run at a time; others wait in order, in a bounded line. A handshake costs about a
 * millisecond of processor time, and a storm of reconnecting clients must not starve the sessions that exist.
 */
export class HandshakeGate {
  readonly #places: number
  readonly #line: number
  #running = 0
  readonly #waiting = new Set<() => void>()

  constructor(places: number, line: number) {
    this.#places = places
    this.#line = line
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
    let state: "waiting" | "running" | "left" = "waiting"
    const start = (): void => {
      state = "running"
      this.#running++
      begin()
    }
    const leave = (): void => {
      if (state === "waiting") this.#waiting.delete(start)
      if (state === "running") {
        this.#running--
        this.#next()
      }
      state = "left"
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
