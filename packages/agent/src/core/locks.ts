/** Runs one thing after the other for each key, different keys side by side. */
export class Locks {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs `work` when everything that was started before it for this key has ended, well or not. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const result = before === undefined ? work() : before.then(work)
    const ended = result.then(nothing, nothing)
    this.#last.set(key, ended)
    ended.then(() => {
      if (this.#last.get(key) === ended) this.#last.delete(key)
    }, nothing)
    return result
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values())
  }
}

function nothing(): undefined {
  return undefined
}
