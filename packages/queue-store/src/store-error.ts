/** What went wrong in the storage, and in which operation. Names nothing that belongs to a client. */
export type StoreProblem =
  | { readonly code: "STORE_CLOSED"; readonly operation: string }
  | { readonly code: "STORE_FULL"; readonly operation: string }
  | { readonly code: "STORE_UNAVAILABLE"; readonly operation: string }
  /** The data is not what this program wrote, or a newer program wrote it. */
  | { readonly code: "STORE_CORRUPT"; readonly operation: string }

/**
 * The storage failed; the operation changed nothing. Only with a store in Redis may it have, where the connection broke before
 * the answer or too few replicas confirmed it (`STORE_UNAVAILABLE`).
 */
export class StoreError extends Error {
  override readonly name = "StoreError"
  readonly problem: StoreProblem

  constructor(problem: StoreProblem, options?: { cause?: unknown }) {
    super(`${problem.code} in ${problem.operation}`, options)
    this.problem = problem
  }

  /** Whether the same operation may succeed later without anybody's help. */
  get retryable(): boolean {
    return this.problem.code === "STORE_UNAVAILABLE" || this.problem.code === "STORE_FULL"
  }
}
