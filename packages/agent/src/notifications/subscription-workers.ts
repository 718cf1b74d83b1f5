import { asAgentError } from "../network/network-error.ts"
import type { SubscriptionRecord } from "./records.ts"
import { workAtRelay } from "./relay-work.ts"
import type { Job, Work } from "./row-worker.ts"
import { RowWorkers } from "./row-workers.ts"
import { workAtServer } from "./server-work.ts"
import { workerOf } from "./subscription-rows.ts"
import type { WorkParts } from "./work-parts.ts"

/** One worker for each relay and each notification server that something is to be done with. */
export class SubscriptionWorkers {
  readonly #parts: WorkParts
  readonly #workers: RowWorkers<SubscriptionRecord>

  constructor(parts: Omit<WorkParts, "wake">) {
    this.#parts = { ...parts, wake: (row) => this.wake(row) }
    this.#workers = new RowWorkers(parts.clock, (name, row) => this.#workFor(name, row))
  }

  /** Lets the worker of a row look at it, if there is something to do. */
  wake(row: SubscriptionRecord): void {
    if (row.action !== undefined) this.#workers.wake(workerOf(row, row.action), row)
  }

  /** Everything that is stored, after a start. */
  wakeAll(): void {
    for (const row of this.#parts.rows.all()) this.wake(row)
  }

  retryNow(): void {
    this.#workers.retryNow()
  }

  /** Begins nothing more; resolves when nothing is under way. */
  stop(): Promise<void> {
    return this.#workers.stop()
  }

  resume(): void {
    this.#workers.resume()
    this.wakeAll()
  }

  #workFor(name: string, { ntfServer }: SubscriptionRecord): Work<SubscriptionRecord> {
    const parts = this.#parts
    return {
      jobs: () => this.#jobs(name),
      run: async (rows) => {
        const taken = await this.#take(rows)
        return name.startsWith("relay") ? workAtRelay(parts, taken) : workAtServer(parts, ntfServer, taken)
      },
      idOf: ({ connectionId }) => connectionId,
      crashed: (error) => parts.events.emit({ type: "error", error: asAgentError(error) }),
    }
  }

  *#jobs(name: string): Iterable<Job<SubscriptionRecord>> {
    const now = this.#parts.clock.now()
    for (const row of this.#parts.rows.all()) {
      const { action, connectionId: id, changed = false } = row
      if (action === undefined || workerOf(row, action) !== name) continue
      // Only a check is for later. The clock may have been set back since the others were stored.
      const at = action.type === "check" ? action.at : Math.min(action.at, now)
      yield { id, at, fresh: changed, row }
    }
  }

  /** From now on another action that is set for them is news. */
  async #take(rows: readonly SubscriptionRecord[]): Promise<SubscriptionRecord[]> {
    const taken = rows.map((row) => (row.changed === true ? { ...row, changed: undefined } : row))
    const changes = taken.filter((row, n) => row !== rows[n]).map((row) => this.#parts.rows.adopt(row))
    await this.#parts.store.commit(changes)
    return taken
  }
}
