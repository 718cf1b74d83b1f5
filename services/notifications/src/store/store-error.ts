/** What went wrong in a store. */
export type StoreProblem =
  /** It cannot be written or read now. */
  | "UNAVAILABLE"
  /** Its content is not that of this program, or damaged. */
  | "CORRUPT"
  | "CLOSED"

/** The error of every operation of a store. Its text holds the name of the operation and nothing of its arguments. */
export class StoreError extends Error {
  override readonly name = "StoreError"
  readonly problem: StoreProblem
  readonly operation: string

  constructor(problem: StoreProblem, operation: string, options?: ErrorOptions) {
    super(`store ${problem}: ${operation}`, options)
    this.problem = problem
    this.operation = operation
  }

  get retryable(): boolean {
    return this.problem === "UNAVAILABLE"
  }
}
