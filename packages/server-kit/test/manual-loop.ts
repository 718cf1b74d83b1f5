import { setImmediate } from "node:timers/promises"
import type { EventLoop } from "../src/turns.ts"

/** An event loop for tests: its turns are those of {@link ManualLoop.turn}. */
export class ManualLoop implements EventLoop {
  #next: (() => void)[] = []
  readonly #settled: (() => void)[] = []

  /** Whether somebody waits for the next turn. */
  get awaited(): boolean {
    return this.#next.length > 0
  }

  nextTurn(run: () => void): void {
    this.#next.push(run)
  }

  settled(run: () => void): void {
    this.#settled.push(run)
  }

  /** One turn, with everything that follows in it. */
  async turn(): Promise<void> {
    const due = this.#next
    this.#next = []
    for (const run of due) run()
    for (;;) {
      await setImmediate()
      const settled = this.#settled.shift()
      if (settled === undefined) return
      settled()
    }
  }
}
