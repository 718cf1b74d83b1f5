/** Runs what belongs to one key one after the other, in the order of the calls; different keys do not wait for each other. */
export class Lanes {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Starts at once when nothing of this key is under way. */
  run<T>(key: string, start: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const result = before === undefined ? start() : before.then(start)
    const settled: Promise<void> = result.then(
      () => this.#leave(key, settled),
      () => this.#leave(key, settled),
    )
    this.#last.set(key, settled)
    return result
  }

  #leave(key: string, settled: Promise<unknown>): void {
    if (this.#last.get(key) === settled) this.#last.delete(key)
  }
}
