import { ABORT } from "lmdb"
import type { Engine, Participant } from "../engine.ts"
import { StoreError } from "../store-error.ts"
import { CountedFigures } from "./figures.ts"
import { commitFailure, isFull, toStoreError } from "./lmdb-errors.ts"
import type { BinaryRoot, LmdbTables } from "./lmdb-tables.ts"

/** A change that waits for its group, or for the commit of it. */
interface Change {
  readonly operation: string
  readonly run: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: StoreError) => void
  /** Runs in a group of its own: together with others it did not fit. */
  alone: boolean
  /** Known to fail: it keeps its place in the order, but does not run again. */
  failure: unknown
}

type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** What happened to a group in its transaction. */
interface Attempt {
  readonly changes: readonly Change[]
  readonly outcomes: readonly Outcome[]
  /** Why all of it has to be taken back, and at which change that came up. */
  readonly broken?: { readonly cause: unknown; readonly at: number }
}

/**
 * Group commit: all changes that were started before the transaction begins run in it one after the other, and settle
 * after its commit, which happens off the event loop. Those that are started meanwhile make the next group.
 *
 * A change that throws before it wrote anything fails alone. One that throws later takes the whole group back; the others
 * are then run again without it. A group that does not fit on the disk is taken back as well, and its changes run one by
 * one, so that only those fail that need the room.
 */
export class GroupCommit implements Engine {
  readonly tables: LmdbTables
  readonly figures: CountedFigures = new CountedFigures()
  readonly #root: BinaryRoot
  readonly #participant: Participant
  readonly #groupLimit: number
  #waiting: Change[] = []
  #busy = false
  #closed: Promise<void> | undefined
  #idle: (() => void) | undefined
  readonly #held = new Set<Promise<unknown>>()

  constructor(root: BinaryRoot, tables: LmdbTables, participant: Participant, groupLimit: number) {
    this.#root = root
    this.tables = tables
    this.#participant = participant
    this.#groupLimit = groupLimit
  }

  change<T>(operation: string, run: () => T): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(new StoreError({ code: "STORE_CLOSED", operation }))
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        operation,
        run,
        resolve: resolve as Change["resolve"],
        reject,
        alone: false,
        failure: undefined,
      })
      if (!this.#busy) this.#commitNext()
    })
  }

  read<T>(operation: string, run: () => T): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(new StoreError({ code: "STORE_CLOSED", operation }))
    try {
      return Promise.resolve(run())
    } catch (cause) {
      return Promise.reject(toStoreError(cause, operation))
    }
  }

  probe(): Promise<void> {
    return this.change("check", () => this.tables.probe())
  }

  /** Work beside the groups that closing has to wait for. */
  hold<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(new StoreError({ code: "STORE_CLOSED", operation }))
    const held = work()
    const done: Promise<unknown> = held.then(nothing, nothing).then((): boolean => this.#held.delete(done))
    this.#held.add(done)
    return held
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish()
    return this.#closed
  }

  async #finish(): Promise<void> {
    if (this.#busy) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    await Promise.all(this.#held)
    await this.#root.close()
  }

  #commitNext(): void {
    this.#busy = true
    this.#commitGroup().then(() => {
      if (this.#waiting.length > 0) return this.#commitNext()
      this.#busy = false
      this.#idle?.()
    })
  }

  /** Runs, commits and settles one group. Never rejects. */
  async #commitGroup(): Promise<void> {
    const started = performance.now()
    let attempt: Attempt | undefined
    try {
      await this.#root.childTransaction(() => {
        attempt = this.#runGroup()
        return attempt.broken === undefined ? undefined : ABORT
      })
    } catch (error) {
      const cause = await commitFailure(error)
      attempt = { changes: attempt?.changes ?? this.#take(), outcomes: [], broken: { cause, at: -1 } }
    }
    if (attempt === undefined) return
    if (attempt.broken !== undefined) {
      this.#takeBack(attempt.changes, attempt.broken.cause, attempt.broken.at)
      return
    }
    this.#participant.commit()
    this.figures.committed(attempt.changes.length, (performance.now() - started) / 1000)
    this.#settle(attempt)
  }

  /** Runs the changes of a group inside of its transaction. */
  #runGroup(): Attempt {
    const { tables } = this
    const changes = this.#take()
    const outcomes: Outcome[] = []
    this.#participant.begin()
    try {
      tables.beginGroup()
      for (const change of changes) {
        if (change.failure !== undefined) {
          outcomes.push({ error: change.failure })
          continue
        }
        const before = tables.writes
        try {
          outcomes.push({ value: change.run() })
        } catch (error) {
          if (tables.writes !== before) return { changes, outcomes, broken: { cause: error, at: outcomes.length } }
          outcomes.push({ error })
        }
      }
      tables.saveCounters()
    } catch (cause) {
      return { changes, outcomes, broken: { cause, at: -1 } }
    } finally {
      tables.endGroup()
    }
    return { changes, outcomes }
  }

  /** The changes of the next group, in the order in which they were started. */
  #take(): Change[] {
    const limit = this.#waiting[0]?.alone === true ? 1 : this.#groupLimit
    let length = 1
    while (length < limit && length < this.#waiting.length && this.#waiting[length]?.alone === false) length++
    return this.#waiting.splice(0, length)
  }

  /** Nothing of the group stays. Decides which of its changes are run again, and puts them before all others. */
  #takeBack(changes: readonly Change[], cause: unknown, at: number): void {
    this.#participant.abort()
    this.figures.failures++
    const culprit = changes[at]
    const again = changes.length > 1 && (isFull(cause) || culprit !== undefined)
    if (!again) {
      for (const change of changes) this.#reject(change, change.failure ?? cause)
      return
    }
    if (isFull(cause)) for (const change of changes) change.alone = true
    else if (culprit !== undefined) culprit.failure = cause
    this.#waiting.unshift(...changes)
  }

  #settle({ changes, outcomes }: Attempt): void {
    changes.forEach((change, i) => {
      const outcome = outcomes[i]
      if (outcome === undefined) return
      if ("error" in outcome) this.#reject(change, outcome.error)
      else change.resolve(outcome.value)
    })
  }

  #reject(change: Change, cause: unknown): void {
    this.figures.rejections++
    change.reject(toStoreError(cause, change.operation))
  }
}

function nothing(): undefined {
  return undefined
}
