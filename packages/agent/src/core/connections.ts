import { idKey } from "@sluice/encoding/bytes"
import { Draft } from "../connection/draft.ts"
import { AgentError } from "../errors.ts"
import { asAgentError } from "../network/network-error.ts"
import type { ConnectionId, ConnectionRecord } from "../store/records.ts"
import type { StoreChange } from "../store/tables.ts"
import { type AgentBase, type EnvSource, envOf } from "./base.ts"
import { Locks } from "./locks.ts"

/** A change of a connection that is stored now. */
export interface StoredChange {
  readonly before: ConnectionRecord
  readonly after: ConnectionRecord
  /** What was stored together with it. */
  readonly changes: readonly StoreChange[]
}

/** What {@link Connections} need. */
export interface ConnectionParts extends EnvSource, Pick<AgentBase, "events"> {
  /** Starts what follows from a change, after the user was told. */
  readonly changed: (change: StoredChange) => void
}

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
  readonly #parts: ConnectionParts
  readonly #locks = new Locks()

  constructor(parts: ConnectionParts) {
    this.#parts = parts
  }

  /** The connection as it is now. Rejects with `AgentError` NOT_FOUND. */
  async get(id: ConnectionId, { deletedToo = false }: ChangeOptions = {}): Promise<ConnectionRecord> {
    const record = await this.#parts.store.get("connections", [id])
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
    const { store, events, changed } = this.#parts
    const draft = new Draft(envOf(this.#parts), record)
    const result = await build(draft)
    try {
      await store.commit(draft.commit())
    } catch (error) {
      throw asAgentError(error)
    }
    for (const event of draft.events) events.emit(event)
    changed({ before: record, after: draft.record, changes: draft.changes })
    return result
  }
}
