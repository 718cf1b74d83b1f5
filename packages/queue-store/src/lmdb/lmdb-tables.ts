import type { Database, RangeOptions, RootDatabase } from "lmdb"
import { readU48, writeU48 } from "../codec/numbers.ts"
import { type Counters, noCounters, type Range, type Table, type TableName, type Tables } from "../tables.ts"
import { StoreFormatError } from "./store-format-error.ts"
import { type CountedTable, TwoLevelTable } from "./two-level-table.ts"

/** An LMDB database with binary keys and values. */
export type BinaryDatabase = Database<Uint8Array, Uint8Array>
export type BinaryRoot = RootDatabase<Uint8Array, Uint8Array>

const COUNTERS_KEY = new TextEncoder().encode("counters")
const PROBE_KEY = new TextEncoder().encode("probe")
const COUNTERS_VERSION = 1
/** In the order in which they are stored. */
const COUNTED: readonly (keyof Counters)[] = [
  "queues",
  "messages",
  "notifications",
  "services",
  "sequence",
  "notifiers",
  "messageServices",
  "notificationServices",
  "messageServiceQueues",
  "notificationServiceQueues",
]

/** Options of every database of the store: no encoding, no cache. */
export const BINARY = { encoding: "binary", keyEncoding: "binary", cache: false } as const

/** The tables as named databases of one LMDB environment. Writing is possible only inside of a transaction. */
export class LmdbTables implements Tables {
  readonly #databases: LmdbTable[] = []
  readonly queues: Table = this.#table("queues")
  readonly senders: Table = this.#table("senders")
  readonly notifiers: Table = this.#table("notifiers")
  readonly links: Table = this.#table("links")
  readonly linkData: Table = this.#table("linkData")
  readonly messages: TwoLevelTable = new TwoLevelTable(this.#table("recentMessages"), this.#table("messages"))
  readonly bodies: Table = this.#table("bodies")
  readonly notifications: Table = this.#table("notifications")
  readonly services: Table = this.#table("services")
  readonly fingerprints: Table = this.#table("fingerprints")
  readonly serviceQueues: Table = this.#table("serviceQueues")
  readonly serviceTotals: Table = this.#table("serviceTotals")
  readonly blobs: Table = this.#table("blobs")
  /** Of stores that several processes share: recipient ID → node number, epoch */
  readonly owners: CountedTable = this.#table("owners")
  /** Of the same: node number → process, name */
  readonly nodes: Table = this.#table("nodes")
  /** Number of writes so far: shows whether an operation that threw had written. */
  writes = 0
  #root: BinaryRoot
  #counters: { readonly saved: Uint8Array; readonly current: Counters } | undefined

  constructor(root: BinaryRoot) {
    this.#root = root
    this.attach(root)
  }

  get root(): BinaryRoot {
    return this.#root
  }

  /** Lets the tables work on an environment that was just opened. */
  attach(root: BinaryRoot): void {
    this.#root = root
    for (const table of this.#databases) table.attach(root)
  }

  /** Inside of a group its own numbers, else the committed ones. */
  get counters(): Counters {
    return this.#counters?.current ?? decodeCounters(this.#storedCounters())
  }

  /** Reads the numbers that the operations of a group change. To be called inside of its transaction. */
  beginGroup(): void {
    const saved = this.#storedCounters()
    this.#counters = { saved, current: decodeCounters(saved) }
  }

  /** Writes the numbers if they changed: one write a group, on a page that every commit writes anyway. */
  saveCounters(): void {
    if (this.#counters === undefined) return
    const { saved, current } = this.#counters
    const changed = encodeCounters(current)
    if (Buffer.compare(saved, changed) !== 0) this.#root.putSync(COUNTERS_KEY, changed)
  }

  endGroup(): void {
    this.#counters = undefined
  }

  /** A write that means nothing, to learn whether writing works. */
  probe(): void {
    this.writes++
    this.#root.putSync(PROBE_KEY, Uint8Array.of(1))
  }

  #table(name: TableName | "recentMessages" | "owners" | "nodes"): CountedTable {
    const table = new LmdbTable(name, () => {
      this.writes++
    })
    this.#databases.push(table)
    return table
  }

  #storedCounters(): Uint8Array {
    const stored = this.#root.getBinary(COUNTERS_KEY)
    return stored ?? encodeCounters(noCounters())
  }
}

class LmdbTable implements CountedTable {
  readonly #name: string
  readonly #wrote: () => void
  #database: BinaryDatabase | undefined

  constructor(name: string, wrote: () => void) {
    this.#name = name
    this.#wrote = wrote
  }

  attach(root: BinaryRoot): void {
    this.#database = root.openDB({ name: this.#name, ...BINARY })
  }

  get #db(): BinaryDatabase {
    if (this.#database === undefined) throw new Error("the table is not attached")
    return this.#database
  }

  get(key: Uint8Array): Uint8Array | undefined {
    // The fast variant reads into one buffer of lmdb and sets its `length`; the view has to be cut to that.
    const bytes = this.#db.getBinaryFast(key)
    return bytes === undefined ? undefined : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  has(key: Uint8Array): boolean {
    return this.#db.doesExist(key)
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#wrote()
    this.#db.putSync(key, value)
  }

  remove(key: Uint8Array): void {
    this.#wrote()
    this.#db.removeSync(key)
  }

  get size(): number {
    const { entryCount } = this.#db.getStats() as { readonly entryCount: number }
    return entryCount
  }

  keys({ prefix, after, limit }: Range): Uint8Array[] {
    const start = after ?? prefix
    const end = prefix === undefined ? undefined : firstBehind(prefix)
    const options: RangeOptions = {
      limit,
      exclusiveStart: after !== undefined,
      ...(start !== undefined && { start }),
      ...(end !== undefined && { end }),
    }
    return Array.from(this.#db.getKeys(options), (key) => new Uint8Array(key.buffer, key.byteOffset, key.length))
  }
}

/** The first key that is greater than all with this prefix; none when there is no greater one. */
function firstBehind(prefix: Uint8Array): Uint8Array | undefined {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) return undefined
  const end = new Uint8Array(prefix.subarray(0, length))
  end[length - 1] = (end[length - 1] as number) + 1
  return end
}

/** u8 version and ten u48 numbers. */
function encodeCounters(counters: Counters): Uint8Array {
  const stored = new Uint8Array(1 + 6 * COUNTED.length)
  stored[0] = COUNTERS_VERSION
  COUNTED.forEach((name, i) => {
    writeU48(stored, 1 + 6 * i, counters[name])
  })
  return stored
}

function decodeCounters(stored: Uint8Array): Counters {
  if (stored[0] !== COUNTERS_VERSION || stored.length !== 1 + 6 * COUNTED.length) {
    throw new StoreFormatError("the counters are not in a known form")
  }
  const counters = noCounters()
  COUNTED.forEach((name, i) => {
    counters[name] = readU48(stored, 1 + 6 * i)
  })
  return counters
}
