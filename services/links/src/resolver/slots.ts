/** Lets a bounded number of tasks run at a time; others wait in order, in a bounded line. */
export class Slots {
  readonly #places: number
  readonly #line: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(places: number, line: number) {
    this.#places = places
    this.#line = line
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Runs a task when there is a place. `undefined`, and nothing is run, when the line is full. */
  run<T>(task: () => Promise<T>): Promise<T> | undefined {
    if (this.#running < this.#places) return this.#run(task)
    if (this.#waiting.length >= this.#line) return undefined
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(() => this.#run(task).then(resolve, reject))
    })
  }

  async #run<T>(task: () => Promise<T>): Promise<T> {
    this.#running++
    try {
      return await task()
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }
}
