import type { Clock } from "./clock.ts"

/** Tells whether one part can do its work now. Throwing or taking too long counts as no. */
export type ReadinessCheck = (signal: AbortSignal) => boolean | Promise<boolean>

/** The answer to "should this process get new connections?". */
export interface ReadinessReport {
  readonly ready: boolean
  /** Names of the checks that said no, sorted; `draining` while the process is stopping. */
  readonly failing: readonly string[]
}

/** Longest time that a check may take, in milliseconds. */
const CHECK_TIME_LIMIT = 2_000

/** The named checks of a process. Not ready before {@link Readiness.started} nor after {@link Readiness.drain}. */
export class Readiness {
  readonly #clock: Clock
  readonly #checks = new Map<string, ReadinessCheck>()
  #phase: "starting" | "running" | "draining" = "starting"

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Adds a check; the result removes it again.
   * @param name fixed word in the code, shown to whoever can reach the endpoint
   */
  add(name: string, check: ReadinessCheck): () => void {
    if (this.#checks.has(name)) throw new Error(`a readiness check named ${name} exists already`)
    this.#checks.set(name, check)
    return () => void this.#checks.delete(name)
  }

  /** The process listens: from now on the checks decide. */
  started(): void {
    if (this.#phase === "starting") this.#phase = "running"
  }

  /** The process is stopping: not ready from now on, for good. */
  drain(): void {
    this.#phase = "draining"
  }

  /** Asks all checks at the same time. */
  async report(): Promise<ReadinessReport> {
    const results = await Promise.all(
      [...this.#checks].map(async ([name, check]) => ((await this.#passes(check)) ? [] : [name])),
    )
    const failing = results.flat()
    if (this.#phase !== "running") failing.push(this.#phase)
    return { ready: failing.length === 0, failing: failing.toSorted() }
  }

  async #passes(check: ReadinessCheck): Promise<boolean> {
    const abort = new AbortController()
    const { promise: timeout, resolve } = Promise.withResolvers<boolean>()
    const timer = this.#clock.setTimeout(
      () => {
        abort.abort()
        resolve(false)
      },
      CHECK_TIME_LIMIT,
      { background: true },
    )
    try {
      return await Promise.race([check(abort.signal), timeout])
    } catch {
      // A check that throws says no; why is in the log of the part that it checks.
      return false
    } finally {
      timer.cancel()
    }
  }
}
