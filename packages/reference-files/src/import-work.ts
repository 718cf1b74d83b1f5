import { DecodeError } from "@sluice/encoding/errors"
import type { ImportOptions, ImportSummary, Progress } from "./import-options.ts"
import { type Line, readLines } from "./lines.ts"
import type { Problem } from "./problem.ts"

type Counts = { -readonly [K in keyof ImportSummary]: ImportSummary[K] }

const NOTHING: ImportSummary = {
  services: 0,
  queues: 0,
  links: 0,
  notifiers: 0,
  messages: 0,
  quotaMarkers: 0,
  notifications: 0,
  skipped: 0,
  changed: 0,
}

/** What all steps of one import share: its counts, and whom to tell about problems and progress. */
export class ImportWork {
  readonly counts: Counts = { ...NOTHING }
  readonly #options: ImportOptions

  constructor(options: ImportOptions) {
    this.#options = options
  }

  /** Says how far a stage is, and ends the work when it is to be ended. */
  progress(stage: Progress["stage"], done: number, total: number): void {
    this.#options.signal?.throwIfAborted()
    this.#options.onProgress?.({ stage, done, total })
  }

  skip(file: string, line: number, reason: string): void {
    this.counts.skipped++
    this.#report({ file, line, reason: `${reason}; left out`, effect: "skipped" })
  }

  change(file: string, line: number, reason: string): void {
    this.counts.changed++
    this.#report({ file, line, reason, effect: "changed" })
  }

  note(file: string, line: number, reason: string): void {
    this.#report({ file, line, reason, effect: "noted" })
  }

  /** Hands every line that can be parsed to `take`, and reports the others. `size` is the file's, for progress. */
  async forEachLine<T>(
    stage: Progress["stage"],
    file: string,
    size: number,
    parse: (text: string) => T,
    take: (value: T, line: Line) => void,
    afterGroup: () => Promise<void> | void = () => undefined,
  ): Promise<void> {
    let done = 0
    this.progress(stage, done, size)
    for await (const lines of readLines(file)) {
      for (const line of lines) {
        const value = this.#parse(file, line, parse)
        if (value !== undefined) take(value, line)
      }
      const last = lines.at(-1)
      if (last !== undefined) done = last.position + last.length + (last.ended ? 1 : 0)
      await afterGroup()
      this.progress(stage, Math.min(done, size), size)
    }
  }

  #parse<T>(file: string, line: Line, parse: (text: string) => T): T | undefined {
    if (line.text === undefined) {
      this.skip(file, line.number, "longer than any record")
      return undefined
    }
    try {
      const value = parse(line.text)
      if (!line.ended) {
        this.note(file, line.number, "the file ends without a line feed; the last record reads as whole and was taken")
      }
      return value
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.skip(file, line.number, line.ended ? `not readable (${error.message})` : "cut off at the end of the file")
      return undefined
    }
  }

  #report(problem: Problem): void {
    this.#options.onProblem?.(problem)
  }
}
