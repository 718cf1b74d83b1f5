import type { LinePlace } from "./lines.ts"
import { Numbers } from "./numbers.ts"

const NONE = 0

/**
 * Which lines of a file belong to which number, in the order of the file: one linked list a number, 20 bytes a line. The
 * lines themselves stay in the file.
 */
export class LineChains {
  readonly #positions = new Numbers(Float64Array)
  readonly #lengths = new Numbers(Uint32Array)
  readonly #lineNumbers = new Numbers(Uint32Array)
  /** Place of the next line plus 1. */
  readonly #next = new Numbers(Uint32Array)
  /** By number: place of the first and the last line plus 1. */
  readonly #first = new Numbers(Uint32Array)
  readonly #last = new Numbers(Uint32Array)

  /** Appends a line to the list of a number. */
  append(number: number, line: LinePlace): void {
    this.#reach(number)
    const place = this.#positions.push(line.position)
    this.#lengths.push(line.length)
    this.#lineNumbers.push(line.number)
    this.#next.push(NONE)
    const last = this.#last.at(number)
    if (last === NONE) this.#first.set(number, place + 1)
    else this.#next.set(last - 1, place + 1)
    this.#last.set(number, place + 1)
  }

  /** Puts a line in the place of the last one of a number. */
  replaceLast(number: number, line: LinePlace): void {
    const place = this.#last.at(number) - 1
    this.#positions.set(place, line.position)
    this.#lengths.set(place, line.length)
    this.#lineNumbers.set(place, line.number)
  }

  /** Forgets the lines of a number. */
  drop(number: number): void {
    this.#reach(number)
    this.#first.set(number, NONE)
    this.#last.set(number, NONE)
  }

  /** The lines of a number in the order of the file. */
  *of(number: number): Generator<LinePlace> {
    if (number >= this.#first.length) return
    for (let next = this.#first.at(number); next !== NONE; next = this.#next.at(next - 1)) {
      const place = next - 1
      yield {
        position: this.#positions.at(place),
        length: this.#lengths.at(place),
        number: this.#lineNumbers.at(place),
      }
    }
  }

  #reach(number: number): void {
    while (this.#first.length <= number) {
      this.#first.push(NONE)
      this.#last.push(NONE)
    }
  }
}
