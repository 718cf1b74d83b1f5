import type { Clock } from "@sluice/ops/clock"

/**
 * Milliseconds of long work in one turn of the event loop; a piece of it that exceeds them is finished. Little, because
 * everybody else waits that long in each turn: of 4 ms a storm of subscriptions made 400 ms for others, of these below 100
 * (`bench/relay/interference.ts`), and it hardly took longer itself.
 */
export const TURN_TIME = 0.5

/** What long work may have of the time at the least, as a part of what everybody else just took. */
const PART_OF_OTHERS = 1 / 10

/** How the event loop is waited for; tests have one of their own. */
export interface EventLoop {
  /** Calls `run` in the next turn, after everything that was ready by then. */
  nextTurn(run: () => void): void
  /** Calls `run` in this turn, after all that follows from what runs now without waiting for the system. */
  settled(run: () => void): void
}

/** The event loop of Node.js. */
export const nodeEventLoop: EventLoop = {
  nextTurn: (run) => void setImmediate(run),
  // A tick that is asked for inside of a microtask comes after all microtasks, also those that appear meanwhile.
  settled: (run) => queueMicrotask(() => process.nextTick(run)),
}

/**
 * Who has long work takes turns: the event loop hands over everything that is ready in one go, and what is short among it
 * must not wait for all that is long. In each turn of the loop, long work has half a millisecond, in the order in
 * which it was asked for. When everybody else needs longer, it may be longer, too: it gets a tenth of that time at the
 * least, so that it ends even where there is more to do than can be done.
 */
export class Turns {
  readonly #clock: Clock
  readonly #loop: EventLoop
  /** Work that began and waits to go on. */
  readonly #begun: (() => void)[] = []
  /** Work that did not begin. A function of each, so that one can be asked for twice. */
  readonly #waiting = new Set<() => void>()
  #active = false
  /** When long work last stopped, or began to wait. */
  #leftAt = 0
  #end = 0

  constructor(clock: Clock, loop: EventLoop = nodeEventLoop) {
    this.#clock = clock
    this.#loop = loop
  }

  /** Calls `run`, which must not throw, when it is its turn, never at once. Returns how to leave the line. */
  wait(run: () => void): () => void {
    const waiting = (): void => run()
    this.#waiting.add(waiting)
    this.#activate()
    return () => void this.#waiting.delete(waiting)
  }

  /** For work that has begun and pauses: resolves when it may go on, before other work begins. */
  goOn(): Promise<void> {
    return new Promise((resolve) => {
      this.#begun.push(resolve)
      this.#activate()
    })
  }

  #activate(): void {
    if (this.#active) return
    this.#active = true
    this.#leave()
  }

  #leave(): void {
    this.#leftAt = this.#clock.monotonic()
    this.#loop.nextTurn(this.#enter)
  }

  readonly #enter = (): void => {
    const now = this.#clock.monotonic()
    this.#end = now + Math.max(TURN_TIME, (now - this.#leftAt) * PART_OF_OTHERS)
    this.#runNext()
  }

  readonly #runNext = (): void => {
    const run = this.#next()
    if (run === undefined) {
      this.#active = false
      return
    }
    this.#loop.settled(this.#afterOne)
    run()
  }

  readonly #afterOne = (): void => {
    if (this.#clock.monotonic() < this.#end) this.#runNext()
    else this.#leave()
  }

  #next(): (() => void) | undefined {
    const begun = this.#begun.shift()
    if (begun !== undefined) return begun
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting)
      return waiting
    }
    return undefined
  }
}
