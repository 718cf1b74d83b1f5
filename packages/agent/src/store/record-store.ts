import { DecodeError } from "@sluice/encoding/errors"
import { type AgentStore, AgentStoreError, type RowRange } from "./agent-store.ts"
import { afterPrefix, type Engine, type RowChange } from "./engine.ts"
import { type KeyOf, keyBytes, keyOf, type RecordOf, type StoreChange, type TableName } from "./tables.ts"
import { decodeValue, encodeValue } from "./value-code.ts"

/** Protects values where the engine keeps them. */
export interface Seal {
  /** A value bound to its key. */
  close(key: Uint8Array, value: Uint8Array): Uint8Array
  /** `undefined` if it is not what {@link close} made for this key. */
  open(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined
}

/** Keeps values as they are. */
export const NO_SEAL: Seal = { close: (_, value) => value, open: (_, value) => value }

const OF_CONNECTION: readonly TableName[] = [
  ...(["connections", "sent", "deliveries", "received", "hashes", "notificationSubscriptions"] as const),
]

/** Records on top of sorted rows of bytes. */
export class RecordStore implements AgentStore {
  readonly #engine: Engine
  readonly #seal: Seal

  constructor(engine: Engine, seal: Seal) {
    this.#engine = engine
    this.#seal = seal
  }

  commit(changes: readonly StoreChange[]): Promise<void> {
    if (changes.length === 0) return Promise.resolve()
    return this.#engine.commit(changes.map((change) => this.#row(change)))
  }

  get<T extends TableName>(table: T, key: KeyOf<T>): Promise<RecordOf<T> | undefined> {
    return settled(() => {
      const bytes = keyBytes(table, key)
      const value = this.#engine.get(bytes)
      return value === undefined ? undefined : this.#record(table, bytes, value)
    })
  }

  list<T extends TableName>(
    table: T,
    { prefix = [], before, limit = Infinity }: RowRange = {},
  ): Promise<RecordOf<T>[]> {
    return settled(() => {
      const from = keyBytes(table, prefix)
      const to = before === undefined ? afterPrefix(from) : keyBytes(table, [...prefix, before])
      return Array.from(this.#engine.range(from, to, limit), ({ key, value }) => this.#record(table, key, value))
    })
  }

  removeConnection(id: Uint8Array): Promise<void> {
    return this.#engine.commit(OF_CONNECTION.map((table) => ({ prefix: keyBytes(table, [id]) })))
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #row<T extends TableName>(change: StoreChange): RowChange {
    if ("remove" in change) return { key: keyBytes(change.table, change.remove) }
    // The union ties table and record together, which the compiler can not follow through a function.
    const { table, put } = change as { table: T; put: RecordOf<T> }
    const key = keyBytes(table, keyOf(table, put))
    return { key, value: this.#seal.close(key, encodeValue(put)) }
  }

  #record<T extends TableName>(table: T, key: Uint8Array, value: Uint8Array): RecordOf<T> {
    const plain = this.#seal.open(key, value)
    if (plain === undefined) throw new AgentStoreError({ code: "DAMAGED", table })
    try {
      // What this program has sealed has the shape that it had when it was put.
      return decodeValue(plain) as RecordOf<T>
    } catch (cause) {
      if (cause instanceof DecodeError) throw new AgentStoreError({ code: "DAMAGED", table }, { cause })
      throw cause
    }
  }
}

/** A result or a failure as a promise. */
async function settled<T>(read: () => T): Promise<T> {
  return read()
}
