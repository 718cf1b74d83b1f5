import { idKey } from "@sluice/encoding/bytes"
import { Draft } from "../connection/draft.ts"
import { nextStep } from "../connection/steps.ts"
import { AgentError } from "../errors.ts"
import { asAgentError } from "../network/network-error.ts"
import type { ConnectionId, ConnectionRecord } from "../store/records.ts"
import type { StoreChange } from "../store/tables.ts"
import { type AgentContext, envOf } from "./context.ts"
import { Locks } from "./locks.ts"
import { removeIfDone } from "./removal.ts"

/** How a change finds its connection. */
export interface ChangeOptions {
  /** Also one that the user has deleted, and that is still being taken down. */
  readonly deletedToo?: boolean | undefined
}

/**
 * Changes connections, one change of each at a time: reads it, lets the state machine say what becomes of it, stores that
 * in one transaction, and only then tells the user and starts what follows.
 */
export class Connections {
  readonly #context: AgentContext
  readonly #locks = new Locks()

  constructor(context: AgentContext) {
    this.#context = context
  }

  /** The connection as it is now. Rejects with `AgentError` NOT_FOUND. */
  async get(id: ConnectionId, { deletedToo = false }: ChangeOptions = {}): Promise<ConnectionRecord> {
    const record = await this.#context.store.get("connections", [id])
    if (record === undefined || (record.deleted !== undefined && !deletedToo)) {
      throw new AgentError({ code: "CONN", reason: "NOT_FOUND" })
    }
    return record
  }

  /** Stores a new connection, made by `build`. */
  create<T>(record: ConnectionRecord, build: (draft: Draft) => T | Promise<T>): Promise<T> {
    return this.#locks.run(idKey(record.id), () => this.#apply(record, build))
  }

  /** Changes a connection. Rejects with `AgentError`, and then nothing has changed. */
  change<T>(id: ConnectionId, build: (draft: Draft) => T | Promise<T>, options?: ChangeOptions): Promise<T> {
    return this.#locks.run(idKey(id), async () => this.#apply(await this.get(id, options), build))
  }

  /** Runs something that no change of this connection must run beside. */
  exclusive<T>(id: ConnectionId, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(idKey(id), work)
  }

  /** Resolves when no change is under way. */
  idle(): Promise<void> {
    return this.#locks.idle()
  }

  async #apply<T>(record: ConnectionRecord, build: (draft: Draft) => T | Promise<T>): Promise<T> {
    const draft = new Draft(envOf(this.#context), record)
    const result = await build(draft)
    try {
      await this.#context.store.commit(draft.commit())
    } catch (error) {
      throw asAgentError(error)
    }
    this.#committed(draft)
    this.#context.notifications.changed(record, draft.record)
    return result
  }

  #committed({ record, changes, events }: Draft): void {
    const { deliveries, steps } = this.#context
    for (const event of events) this.#context.events.emit(event)
    for (const queue of queuesWithWork(changes)) deliveries.wake(record.id, queue)
    if (nextStep(record) === undefined) {
      // What waited for a step may go now.
      for (const { key } of record.sendQueues) deliveries.wake(record.id, key)
      if (record.deleted !== undefined) this.#removeLater(record.id)
    } else if (record.attended !== true) steps.start(record)
  }

  #removeLater(id: ConnectionId): void {
    removeIfDone(this.#context, id).catch((error: unknown) => {
      this.#context.events.emit({ type: "error", connectionId: id, error: asAgentError(error) })
    })
  }
}

function queuesWithWork(changes: readonly StoreChange[]): Set<number> {
  const queues = new Set<number>()
  for (const change of changes) if (change.table === "deliveries" && "put" in change) queues.add(change.put.queue)
  return queues
}
