/** Lets a number of parties go on when all of them have come, as often as they meet. */
export class Meeting {
  readonly #parties: number
  readonly #all: () => void
  #waiting: (() => void)[] = []

  /** @param all called when all have come, before they go on */
  constructor(parties: number, all: () => void) {
    this.#parties = parties
    this.#all = all
  }

  come(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length < this.#parties) return
      this.#all()
      for (const go of this.#waiting) go()
      this.#waiting = []
    })
  }
}
