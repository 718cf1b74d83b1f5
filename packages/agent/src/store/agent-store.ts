import type { KeyOf, RecordOf, StoreChange, TableName } from "./tables.ts"

/** Which rows of a table. */
export interface RowRange {
  /** First parts of the key, all of whose rows are meant; default every row. */
  readonly prefix?: readonly (Uint8Array | number)[] | undefined
  /** Ends before the rows whose next part of the key, a number, is this or larger. */
  readonly before?: number | undefined
  /** At most so many rows; default all. */
  readonly limit?: number | undefined
}

/** What can go wrong with a store. */
export type AgentStoreProblem =
  /** Not opened with the passphrase that it was made with. */
  | { readonly code: "WRONG_PASSPHRASE" }
  /** The files are of another program, or of another version of this one. */
  | { readonly code: "FORMAT" }
  /** A row does not decrypt, or holds something that no version of this program has written. */
  | { readonly code: "DAMAGED"; readonly table: TableName }
  | { readonly code: "CLOSED" }
  /** Another process, or another agent of this one, has it open. */
  | { readonly code: "IN_USE" }
  /** The disk is full, or does not answer. */
  | { readonly code: "FAILED" }

/** Everything that a store throws. */
export class AgentStoreError extends Error {
  override readonly name = "AgentStoreError"
  readonly problem: AgentStoreProblem

  constructor(problem: AgentStoreProblem, options?: ErrorOptions) {
    super(`agent store: ${problem.code}`, options)
    this.problem = problem
  }
}

/**
 * Where an agent keeps what it must not lose. Each implementation passes the suite in `test/agent-store-contract.ts`.
 *
 * - A commit is all or nothing, and survives the end of the process, at any moment, once it has resolved.
 * - Commits take effect in the order in which they were started.
 * - A read that starts after a commit has resolved sees it.
 */
export interface AgentStore extends AsyncDisposable {
  /** Makes all changes, in their order. Rejects with {@link AgentStoreError}, and then none was made. */
  commit(changes: readonly StoreChange[]): Promise<void>

  /** One row. */
  get<T extends TableName>(table: T, key: KeyOf<T>): Promise<RecordOf<T> | undefined>

  /** Rows in the order of their keys. */
  list<T extends TableName>(table: T, range?: RowRange): Promise<RecordOf<T>[]>

  /** Removes all rows of a connection: itself, its messages, deliveries and hashes. */
  removeConnection(id: Uint8Array): Promise<void>

  close(): Promise<void>
}
