/**
 * The proxy commands that one client has in progress, of which there is a limit (`client_concurrency`, proxy.md §8);
 * further ones wait in their order. Nothing of one client waits for another's.
 */
export class CommandSlots {
  readonly #limit: number
  /** A set keeps the order; the callbacks start a command. */
  readonly #waiting = new Set<() => void>()
  #running = 0

  constructor(limit: number) {
    if (!(limit >= 1)) throw new RangeError("CommandSlots: limit must be at least 1")
    this.#limit = limit
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Runs `command`, before this returns if there is room. `undefined` for one whose signal was aborted while it waited;
   * it is not started then, and nothing of it is kept.
   */
  async run<T>(command: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    if (this.#running < this.#limit) this.#running++
    else if (!(await this.#turn(signal))) return undefined
    try {
      return await command()
    } finally {
      this.#pass()
    }
  }

  #turn(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const start = (): void => {
      signal.removeEventListener("abort", leave)
      resolve(true)
    }
    const leave = (): void => {
      this.#waiting.delete(start)
      resolve(false)
    }
    signal.addEventListener("abort", leave, { once: true })
    this.#waiting.add(start)
    return promise
  }

  /** Hands the place of an ended command to the first that waits, without leaving it to one that just comes. */
  #pass(): void {
    for (const start of this.#waiting) {
      this.#waiting.delete(start)
      start()
      return
    }
    this.#running--
  }
}
