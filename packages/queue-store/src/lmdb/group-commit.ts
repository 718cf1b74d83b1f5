import { ABORT } from "lmdb"
import type { Engine, Participant } from "../engine.ts"
import { StoreError } from "../store-error.ts"
import type { Environment } from "./environment.ts"
import { CountedFigures } from "./figures.ts"
import { commitFailure, isFromLmdb, mayBeTooMuch, toStoreError } from "./lmdb-errors.ts"
import type { LmdbTables } from "./lmdb-tables.ts"

/** A change that waits for its group, or for the commit of it. */
interface Change {
  readonly operation: string
  readonly run: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: StoreError) => void
  /** Needs more room on the disk. */
  readonly grows: boolean
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
 * A change that throws before it wrote anything fails alone. One that throws later, or because LMDB reported an error
 * (which spoils the transaction), takes the whole group back; the others are then run again without it. So is a group that
 * does not fit on the disk: then the first change that needs room runs by itself, and if that fails too, all others that
 * need room are refused and the rest succeeds.
 */
export class GroupCommit implements Engine {
  readonly tables: LmdbTables
  readonly figures: CountedFigures = new CountedFigures()
  readonly #environment: Environment
  readonly #participant: Participant
  readonly #groupLimit: number
  readonly #shared: boolean
  #waiting: Change[] = []
  #busy = false
  #trim: (() => void)[] = []
  #reopening: Promise<void> | undefined
  #closed: Promise<void> | undefined
  #idle: (() => void) | undefined
  readonly #held = new Set<Promise<unknown>>()

  /** `shared`: other processes commit, too. */
  constructor(environment: Environment, participant: Participant, groupLimit: number, shared = false) {
    this.#environment = environment
    this.tables = environment.tables
    this.#participant = participant
    this.#groupLimit = groupLimit
    this.#shared = shared
  }

  change<T>(operation: string, run: () => T): Promise<T> {
    return this.#start(operation, run, false)
  }

  grow<T>(operation: string, run: () => T): Promise<T> {
    return this.#start(operation, run, true)
  }

  read<T>(operation: string, run: () => T): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(closed(operation))
    if (this.#reopening !== undefined) return this.#reopening.then(() => this.read(operation, run))
    try {
      // lmdb reads on in the same state until a timer ends it, unless this process commits. What another process told us
      // meanwhile would not be there.
      if (this.#shared) this.tables.root.resetReadTxn()
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
    if (this.#closed !== undefined) return Promise.reject(closed(operation))
    const held = (this.#reopening ?? Promise.resolve()).then(work)
    const done: Promise<unknown> = held.then(nothing, nothing).then((): boolean => this.#held.delete(done))
    this.#held.add(done)
    return held
  }

  /** Closes and opens the files between two groups, unless a snapshot is being written. */
  trim(): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(closed("trim"))
    return new Promise((resolve) => {
      this.#trim.push(resolve)
      this.#wake()
    })
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
    await this.#environment.close()
  }

  #start<T>(operation: string, run: () => T, grows: boolean): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(closed(operation))
    return new Promise((resolve, reject) => {
      const settle = { resolve: resolve as Change["resolve"], reject }
      this.#waiting.push({ operation, run, ...settle, grows, alone: false, failure: undefined })
      this.#wake()
    })
  }

  #wake(): void {
    if (this.#busy) return
    this.#busy = true
    this.#work().catch(nothing)
  }

  /** Commits group after group until nothing waits. Never rejects. */
  async #work(): Promise<void> {
    while (this.#waiting.length > 0 || this.#trim.length > 0) {
      if (this.#trim.length > 0) await this.#trimNow()
      else await this.#commitGroup()
      this.#rejectFailed()
    }
    this.#busy = false
    this.#idle?.()
  }

  /** Settles what is known to fail as soon as everything before it has settled. */
  #rejectFailed(): void {
    for (let first = this.#waiting[0]; first?.failure !== undefined; first = this.#waiting[0]) {
      this.#waiting.shift()
      this.#reject(first, first.failure)
    }
  }

  async #trimNow(): Promise<void> {
    const resolvers = this.#trim
    this.#trim = []
    if (this.#held.size === 0) await this.#reopen()
    for (const resolve of resolvers) resolve()
  }

  /** Reads wait meanwhile. When it fails every operation fails, until a later group succeeds in opening the files. */
  async #reopen(): Promise<void> {
    this.#reopening = this.#environment.reopen().catch(nothing)
    await this.#reopening
    this.#reopening = undefined
  }

  /** Runs, commits and settles one group. Never rejects. */
  async #commitGroup(): Promise<void> {
    const started = performance.now()
    let attempt: Attempt | undefined
    try {
      await this.tables.root.childTransaction(() => {
        attempt = this.#runGroup()
        return attempt.broken === undefined ? undefined : ABORT
      })
    } catch (error) {
      const cause = await commitFailure(error, this.#environment.folder)
      attempt = { changes: attempt?.changes ?? this.#take(), outcomes: [], broken: { cause, at: -1 } }
      if (!this.#environment.answers()) await this.#reopen()
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
          if (tables.writes !== before || isFromLmdb(error)) {
            return { changes, outcomes, broken: { cause: error, at: outcomes.length } }
          }
          outcomes.push({ error })
        }
      }
      // What only removes has to be possible on a full disk, too.
      if (changes.some(({ grows }) => grows)) tables.messages.settle()
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
    if (mayBeTooMuch(cause)) {
      if (changes.length > 1) this.#separate(changes)
      else this.#refuse(changes[0], cause)
    } else if (culprit !== undefined && changes.length > 1) {
      culprit.failure = cause
    } else {
      for (const change of changes) change.failure ??= cause
    }
    this.#waiting.unshift(...changes)
  }

  /** Those that need room run one by one, or all if none of them does. */
  #separate(changes: readonly Change[]): void {
    const growing = changes.filter((change) => change.grows)
    for (const change of growing.length > 0 && growing.length < changes.length ? growing : changes) change.alone = true
  }

  /** There was no room for this one by itself: then there is none for the others that were to be tried alone. */
  #refuse(change: Change | undefined, cause: unknown): void {
    if (change === undefined) return
    change.failure = cause
    change.alone = false
    if (!change.grows) return
    for (const waiting of this.#waiting) {
      if (!waiting.alone || !waiting.grows) continue
      waiting.failure = cause
      waiting.alone = false
    }
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

function closed(operation: string): StoreError {
  return new StoreError({ code: "STORE_CLOSED", operation })
}

function nothing(): undefined {
  return undefined
}
