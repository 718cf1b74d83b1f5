import { closeSync, openSync, readSync } from "node:fs"
import type { LinePlace } from "./lines.ts"

/** Bytes that are read around a line: following lines are often the next ones wanted. */
const WINDOW = 2 ** 15

/**
 * Reads single lines of a file by their place. Synchronous, because almost every line is in the system's cache from the
 * first pass and a trip through the thread pool would take longer than the read itself.
 */
export class LineWindow implements Disposable {
  readonly #file: number
  #buffer: Buffer = Buffer.allocUnsafe(WINDOW)
  #start = 0
  #end = 0

  constructor(path: string) {
    this.#file = openSync(path, "r")
  }

  /** The line, one character a byte; shorter than its place says when the file was cut meanwhile. */
  read(place: Pick<LinePlace, "position" | "length">): string {
    const { position, length } = place
    if (position < this.#start || position + length > this.#end) this.#load(position, length)
    const from = position - this.#start
    return this.#buffer.toString("latin1", from, Math.min(from + length, this.#end - this.#start))
  }

  #load(position: number, length: number): void {
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(length)
    this.#start = position
    this.#end = position
    while (this.#end < position + length) {
      const filled = this.#end - position
      const count = readSync(this.#file, this.#buffer, filled, this.#buffer.length - filled, this.#end)
      if (count === 0) return
      this.#end += count
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }
}
