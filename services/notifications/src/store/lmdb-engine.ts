import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { type Schema, stepsFrom } from "@sluice/ops/schema"
import { checkFile } from "@sluice/queue-store/lmdb/file-check"
import { ABORT, type Database, open, type RangeOptions, type RootDatabase } from "lmdb"
import { StoreError } from "./store-error.ts"
import { type Engine, type KeyRange, TABLE_NAMES, type Table, type TableName, type Tables } from "./tables.ts"

export interface LmdbEngineOptions {
  /** Folder of the files; made, readable only for the owner, when it is not there. */
  readonly folder: string
  /** Whether a commit waits for the disk. Default `true`. */
  readonly sync?: boolean
}

/** Address space for the file, 64 GiB; no memory. */
const MAP_SIZE = 2 ** 36
/** Changes that are committed together at the most. */
const MOST_TOGETHER = 512
const SCHEMA_KEY = new TextEncoder().encode("sluice notifications store")
/** Versions of the files; there has been one. Steps from one to the next run inside of a transaction each. */
const SCHEMA: Schema<RootDatabase<Uint8Array, Uint8Array>> = { name: "the notification store", version: 1, steps: [] }
const BINARY = { encoding: "binary", keyEncoding: "binary", cache: false } as const

type Binary = Database<Uint8Array, Uint8Array>

interface Change {
  readonly operation: string
  readonly run: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: StoreError) => void
}

/**
 * Opens the tables of a folder, or makes them. Rejects with `StoreError` CORRUPT for files of another program or of a newer
 * version.
 */
export async function openLmdbEngine({ folder, sync = true }: LmdbEngineOptions): Promise<Engine> {
  let root: RootDatabase<Uint8Array, Uint8Array> | undefined
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    // LMDB maps whatever file it finds; reading a damaged one would end the process.
    await checkFile(join(folder, "data.mdb"))
    root = open({
      path: folder,
      noSubdir: false,
      maxDbs: TABLE_NAMES.length + 8,
      mapSize: MAP_SIZE,
      overlappingSync: false,
      noSync: !sync,
      eventTurnBatching: false,
      permissionsMode: 0o600,
      ...BINARY,
    } as Parameters<typeof open<Uint8Array, Uint8Array>>[0])
    checkSchema(root)
    return new LmdbEngine(root)
  } catch (cause) {
    await root?.close()
    throw cause instanceof StoreError ? cause : new StoreError("CORRUPT", "open", { cause })
  }
}

function checkSchema(root: RootDatabase<Uint8Array, Uint8Array>): void {
  const stored = root.getBinary(SCHEMA_KEY)
  if (stored === undefined) {
    if (Array.from(root.getKeys({ limit: 1 })).length > 0)
      throw new StoreError("CORRUPT", "open: another program's files")
    root.transactionSync(() => root.putSync(SCHEMA_KEY, Uint8Array.of(SCHEMA.version)))
    return
  }
  for (const step of stepsFrom(SCHEMA, stored[0] ?? 0)) {
    root.transactionSync(() => {
      if (step.run(root) instanceof Promise) throw new Error("a step in a transaction must not wait for anything")
      root.putSync(SCHEMA_KEY, Uint8Array.of(step.to))
    })
  }
}

/** Commits all changes of a while together, off the event loop; those that come meanwhile are the next group. */
class LmdbEngine implements Engine {
  readonly tables: Tables
  readonly #root: RootDatabase<Uint8Array, Uint8Array>
  #waiting: Change[] = []
  #working: Promise<void> | undefined
  #closed: Promise<void> | undefined

  constructor(root: RootDatabase<Uint8Array, Uint8Array>) {
    this.#root = root
    const entries = TABLE_NAMES.map((name): [TableName, Table] => [
      name,
      new LmdbTable(root.openDB({ name, ...BINARY }) as Binary),
    ])
    // `fromEntries` forgets which names there were
    this.tables = Object.fromEntries(entries) as Tables
  }

  change<T>(operation: string, run: () => T): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(new StoreError("CLOSED", operation))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operation, run, resolve: resolve as Change["resolve"], reject })
      this.#working ??= this.#work()
    })
  }

  read<T>(operation: string, run: () => T): Promise<T> {
    if (this.#closed !== undefined) return Promise.reject(new StoreError("CLOSED", operation))
    try {
      return Promise.resolve(run())
    } catch (cause) {
      return Promise.reject(new StoreError("UNAVAILABLE", operation, { cause }))
    }
  }

  close(): Promise<void> {
    this.#closed ??= (async () => {
      await this.#working
      await this.#root.close()
    })()
    return this.#closed
  }

  /** Commits group after group until nothing waits. Never rejects. */
  async #work(): Promise<void> {
    // What is started in this turn belongs to the first group.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, MOST_TOGETHER))
    this.#working = undefined
  }

  async #commit(changes: readonly Change[]): Promise<void> {
    const values: unknown[] = []
    let failure: { readonly cause: unknown; readonly at: number } | undefined
    try {
      await this.#root.childTransaction(() => {
        for (const [at, change] of changes.entries()) {
          try {
            values.push(change.run())
          } catch (cause) {
            failure = { cause, at }
            return ABORT
          }
        }
        return undefined
      })
    } catch (cause) {
      failure = { cause, at: -1 }
    }
    if (failure === undefined) {
      for (const [at, { resolve }] of changes.entries()) resolve(values[at])
      return
    }
    const { cause, at } = failure
    const culprit = changes[at]
    if (culprit === undefined) {
      for (const change of changes) change.reject(new StoreError("UNAVAILABLE", change.operation, { cause }))
      return
    }
    // It took nothing of the group with it; the others run again without it, before everything that came later.
    culprit.reject(new StoreError("UNAVAILABLE", culprit.operation, { cause }))
    this.#waiting.unshift(...changes.filter((change) => change !== culprit))
  }
}

class LmdbTable implements Table {
  readonly #db: Binary

  constructor(db: Binary) {
    this.#db = db
  }

  get size(): number {
    return (this.#db.getStats() as { readonly entryCount: number }).entryCount
  }

  get(key: Uint8Array): Uint8Array | undefined {
    // The fast variant reads into one buffer of lmdb and sets its `length`; the view has to be cut to that.
    const bytes = this.#db.getBinaryFast(key)
    return bytes === undefined ? undefined : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#db.putSync(key, value)
  }

  remove(key: Uint8Array): void {
    this.#db.removeSync(key)
  }

  keys({ prefix, after, limit }: KeyRange): Uint8Array[] {
    const start = after ?? prefix
    const end = prefix === undefined ? undefined : firstBehind(prefix)
    const options: RangeOptions = {
      limit,
      exclusiveStart: after !== undefined,
      ...(start !== undefined && { start }),
      ...(end !== undefined && { end }),
    }
    return Array.from(this.#db.getKeys(options), (key) =>
      new Uint8Array(key.buffer, key.byteOffset, key.length).slice(),
    )
  }
}

/** The first key that is greater than all with this prefix; none when there is no greater one. */
function firstBehind(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const end = prefix.slice(0, length)
  end[length - 1] = (end[length - 1] as number) + 1
  return end
}
