import type { Clock } from "@sluice/smp-client/clock"

/** What a task may keep of its place. */
export interface PlaceTime {
  readonly clock: Clock
  /** After so long the place is another's, although the task goes on, ms. */
  readonly ms: number
}

/** Lets a number of tasks run at a time; the others wait in the order in which they came. */
export class Limiter {
  readonly #limit: number
  readonly #placeTime: PlaceTime | undefined
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** With `placeTime`, a task counts only for the first of its time, so that slow ones hold nobody up for longer. */
  constructor(limit: number, placeTime?: PlaceTime) {
    this.#limit = limit
    this.#placeTime = placeTime
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    let held = true
    const leave = (): void => {
      if (!held) return
      held = false
      // The place is handed on, so nobody gets in between.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
    const cancel = this.#placeTime?.clock.after(this.#placeTime.ms, leave)
    try {
      return await task()
    } finally {
      cancel?.()
      leave()
    }
  }
}
