import type { Tables } from "./tables.ts"

/**
 * What a back end gives: tables, and a way to run a whole operation on them at once. The operations of `operations/` are
 * plain synchronous functions on the tables; an engine decides when they run and when their effects are durable.
 */
export interface Engine {
  readonly tables: Tables
  /**
   * Runs the function with nothing else in between and settles when its writes are committed; in the order of the calls.
   * When it throws, or the commit fails, nothing of it stays and the promise rejects with `StoreError`. The function may
   * be run again after a failure that was not its own.
   */
  change<T>(operation: string, run: () => T): Promise<T>
  /** The same for changes that need more room: when there is none they are refused, so that others may still succeed. */
  grow<T>(operation: string, run: () => T): Promise<T>
  /** Runs a function that only reads, at once, on what is committed. */
  read<T>(operation: string, run: () => T): Promise<T>
  /** Makes sure that the storage can be written. */
  probe(): Promise<void>
  close(): Promise<void>
}

/** State beside the tables that changes with an operation and must be undone with it. */
export interface Participant {
  /** What changes from here on belongs to one group of operations. */
  begin(): void
  commit(): void
  /** Undoes what changed since `begin`. */
  abort(): void
}
