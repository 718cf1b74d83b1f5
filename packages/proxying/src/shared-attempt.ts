/**
 * An attempt that several callers wait for. Each may leave; when the last one has left before the end, the attempt is
 * given up through its signal and `abandoned` is called, so that nobody finds a half-made result (proxy.md §8).
 */
export class SharedAttempt<T> {
  readonly #abort = new AbortController()
  readonly #abandoned: () => void
  readonly #result: Promise<T>
  #waiting = 0
  #settled = false

  /** `run` starts at once and must not reject. */
  constructor(run: (signal: AbortSignal) => Promise<T>, abandoned: () => void) {
    this.#abandoned = abandoned
    this.#result = run(this.#abort.signal).finally(() => {
      this.#settled = true
    })
  }

  /** The result, or `undefined` for a caller whose signal was aborted before. */
  async join(signal: AbortSignal): Promise<T | undefined> {
    this.#waiting++
    const left = Promise.withResolvers<undefined>()
    const leave = (): void => left.resolve(undefined)
    if (signal.aborted) leave()
    signal.addEventListener("abort", leave, { once: true })
    try {
      return await Promise.race([this.#result, left.promise])
    } finally {
      signal.removeEventListener("abort", leave)
      this.#waiting--
      if (this.#waiting === 0 && !this.#settled) this.giveUp()
    }
  }

  /** Ends it for everybody; callers get what `run` then gives. */
  giveUp(): void {
    if (this.#abort.signal.aborted) return
    this.#abort.abort()
    this.#abandoned()
  }
}
