import type { JobRunner } from "./jobs.ts"
import type { Log } from "./log.ts"
import type { Readiness } from "./readiness.ts"

/** A store, as far as its service watches it. */
export interface WatchedStore<Counts> {
  /** Rejects when nothing of it can be written. */
  check(): Promise<void>
  counts(): Promise<Counts>
}

/** What a service knows of its store. */
export interface StoreWatch<Counts> {
  /** Numbers of what is stored, at most a few seconds old. */
  readonly counts: Counts
  /**
   * To be called when the store has failed as its check would: that it answers again is then logged. Not for what is refused
   * by a store whose check resolves.
   */
  failed(): void
}

/** What a store is watched with. */
export interface StoreWatchComponents {
  readonly log: Log
  readonly readiness: Readiness
  readonly jobs: JobRunner
}

const COUNTS_EVERY = 5_000

/**
 * Makes readiness depend on the store, and counts what is in it from time to time.
 * @param none the counts before they were read for the first time
 */
export function watchStore<Counts>(
  store: WatchedStore<Counts>,
  none: Counts,
  { log, readiness, jobs }: StoreWatchComponents,
): StoreWatch<Counts> {
  let counts = none
  let works = true
  const readCounts = async (): Promise<void> => {
    counts = await store.counts()
  }
  jobs.add({ name: "store-counts", every: COUNTS_EVERY, firstAfter: 0, run: readCounts })
  readiness.add("store", async () => {
    try {
      await store.check()
    } catch (error) {
      works = false
      throw error
    }
    if (!works) log.info("the store answers again")
    works = true
    return true
  })
  return {
    get counts() {
      return counts
    },
    failed() {
      works = false
    },
  }
}
