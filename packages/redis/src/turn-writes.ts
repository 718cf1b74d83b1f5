import type { Duplex } from "node:stream"

/**
 * Holds back what is written to streams until the end of this turn of the event loop, so that all commands of a turn leave
 * in one system call each stream.
 */
export class TurnWrites {
  #held = new Set<Duplex>()
  #last: (() => void)[] = []

  hold(stream: Duplex): void {
    if (this.#held.has(stream)) return
    if (this.#held.size === 0) setImmediate(() => this.#release())
    this.#held.add(stream)
    stream.cork()
  }

  /** Runs something that adds to a held stream when nothing else does any more. */
  atEnd(run: () => void): void {
    this.#last.push(run)
  }

  #release(): void {
    const last = this.#last
    this.#last = []
    for (const run of last) run()
    const held = this.#held
    this.#held = new Set()
    for (const stream of held) stream.uncork()
  }
}
