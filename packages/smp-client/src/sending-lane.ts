/** Runs tasks one after another, in the order in which they came. */
export class SendingLane {
  #last: Promise<void> = Promise.resolve()
  #size = 0

  /** Tasks that wait or run. */
  get size(): number {
    return this.#size
  }

  /**
   * Gives what the task gives, once its turn has come. Rejects with the signal's reason as soon as it is aborted; a task
   * that waits is then left out, one that runs is expected to end because of the same signal.
   */
  run<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      let counted = true
      this.#size++
      const leave = (): void => {
        signal.removeEventListener("abort", abort)
        if (counted) this.#size--
        counted = false
      }
      const abort = (): void => {
        leave()
        reject(signal.reason)
      }
      signal.addEventListener("abort", abort, { once: true })
      this.#last = this.#last.then(async () => {
        if (signal.aborted) return
        try {
          resolve(await task())
        } catch (error) {
          reject(error)
        }
        leave()
      })
    })
  }
}
