import { type Clock, systemClock, type Timer } from "@sluice/ops/clock"

/** The machine's clock for one node, whose timers can be held as if its process was stopped. Time itself goes on. */
export class StoppableClock implements Clock {
  #stopped: (() => void)[] | undefined

  now(): number {
    return systemClock.now()
  }

  monotonic(): number {
    return systemClock.monotonic()
  }

  setTimeout(run: () => void, delay: number): Timer {
    return systemClock.setTimeout(() => (this.#stopped === undefined ? run() : this.#stopped.push(run)), delay)
  }

  stop(): void {
    this.#stopped = []
  }

  goOn(): void {
    const held = this.#stopped ?? []
    this.#stopped = undefined
    for (const run of held) run()
  }
}
