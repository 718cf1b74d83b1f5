import type { Clock } from "./clock.ts"
import { Lru } from "./lru.ts"

/** How often the same thing may be said. */
export interface RepeatLimits {
  /** Times within one window. */
  readonly burst: number
  /** Milliseconds. */
  readonly window: number
  /** Different things remembered at the same time. */
  readonly maxKeys: number
}

interface Repeats {
  said: number
  unsaid: number
}

/**
 * Lets the first few of many identical reports through in each window of time and counts the rest, so that a flood of
 * bad clients fills neither a disk nor a screen. At the end of a window the number of those left out is reported once.
 */
export class RepeatLimiter<R> {
  readonly #limits: RepeatLimits
  readonly #clock: Clock
  readonly #report: (first: R, leftOut: number) => void
  readonly #repeats: Lru<string, Repeats & { readonly first: R }>

  /** @param report told at the end of a window, with what the window's first report carried */
  constructor(limits: RepeatLimits, clock: Clock, report: (first: R, leftOut: number) => void) {
    this.#limits = limits
    this.#clock = clock
    this.#report = report
    this.#repeats = new Lru(limits.maxKeys, (_key, repeats) => this.#settle(repeats))
  }

  /** Whether this report may be made now. */
  admit(key: string, about: R): boolean {
    let repeats = this.#repeats.get(key)
    if (repeats === undefined) {
      repeats = { said: 0, unsaid: 0, first: about }
      this.#repeats.set(key, repeats)
      this.#endWindowLater(key, repeats)
    }
    if (repeats.said < this.#limits.burst) {
      repeats.said++
      return true
    }
    repeats.unsaid++
    return false
  }

  /** Reports now what the open windows left out, and closes them; for the end of the process. */
  flush(): void {
    for (const [, repeats] of this.#repeats.entries()) this.#settle(repeats)
    this.#repeats.clear()
  }

  #endWindowLater(key: string, repeats: Repeats & { readonly first: R }): void {
    this.#clock.setTimeout(
      () => {
        if (this.#repeats.peek(key) === repeats) this.#repeats.delete(key)
        this.#settle(repeats)
      },
      this.#limits.window,
      { background: true },
    )
  }

  #settle(repeats: Repeats & { readonly first: R }): void {
    const leftOut = repeats.unsaid
    repeats.unsaid = 0
    if (leftOut > 0) this.#report(repeats.first, leftOut)
  }
}
