/** A record that was not taken, or not as it was. */
export interface Problem {
  /** The file as the operator named it, or what else the record came from. */
  readonly file: string
  /** Counted from 1; absent in what comes from a store. */
  readonly line?: number
  /** What is wrong and what follows; never anything of the record itself. */
  readonly reason: string
  /**
   * `skipped`: the record was left out. `changed`: it was taken with something else than it said. `noted`: it was taken,
   * but somebody should look at it.
   */
  readonly effect: "skipped" | "changed" | "noted"
}

/** `file:line: reason`, for one line of output. */
export function formatProblem({ file, line, reason }: Problem): string {
  return line === undefined ? `${file}: ${reason}` : `${file}:${line}: ${reason}`
}
