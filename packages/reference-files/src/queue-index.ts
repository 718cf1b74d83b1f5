import { IdIndex } from "./id-index.ts"
import { LineChains } from "./line-chains.ts"
import type { LinePlace } from "./lines.ts"
import { Numbers } from "./numbers.ts"
import type { QueueChange, StoreLogRecord } from "./store-log-record.ts"

const LIVE = 0
const DELETED = 1
/** Its newest line is a `TIME`. */
const DATED = 2

/**
 * Which lines of the store log make up each queue. The log is applied queue by queue afterwards, so that memory holds one
 * queue and for the others only their IDs and the places of their lines: some 90 bytes a queue and 20 a change, however
 * long keys and link data are. Daily dates, which are most lines of an old log, replace each other.
 */
export class QueueIndex {
  readonly #ids = new IdIndex()
  readonly #chains = new LineChains()
  readonly #states = new Numbers(Uint8Array)
  #deleted = 0

  /** Queues that were created, deleted ones included; they are numbered in the order of the file. */
  get size(): number {
    return this.#states.length
  }

  /** Queues that are left. */
  get live(): number {
    return this.size - this.#deleted
  }

  /** Number of a queue that is not deleted. */
  find(recipientId: Uint8Array): number | undefined {
    const number = this.#ids.find(recipientId)
    return number === undefined || this.isDeleted(number) ? undefined : number
  }

  isDeleted(number: number): boolean {
    return this.#states.at(number) === DELETED
  }

  /** The lines of a queue, its `CREATE` first. */
  linesOf(number: number): Iterable<LinePlace> {
    return this.#chains.of(number)
  }

  /** Takes note of a record, or says why it refers to nothing. IDs of new queues must have 24 bytes. */
  add(record: Exclude<StoreLogRecord, { tag: "NEW_SERVICE" }>, line: LinePlace): string | undefined {
    if (record.tag === "CREATE") return this.#create(record.recipientId, line)
    const number = this.#ids.find(record.recipientId)
    if (number === undefined) return "it refers to a queue that is not in the log"
    if (this.isDeleted(number)) return "it refers to a queue that was deleted before"
    if (record.tag === "DELETE") this.#delete(number)
    else this.#change(number, record, line)
    return undefined
  }

  #create(recipientId: Uint8Array, line: LinePlace): string | undefined {
    const number = this.#ids.add(recipientId)
    if (number < this.#states.length) return "its recipient ID belongs to an earlier queue"
    this.#states.push(LIVE)
    this.#chains.append(number, line)
    return undefined
  }

  #delete(number: number): void {
    this.#states.set(number, DELETED)
    this.#chains.drop(number)
    this.#deleted++
  }

  #change(number: number, record: QueueChange, line: LinePlace): void {
    if (record.tag !== "TIME") {
      this.#states.set(number, LIVE)
      this.#chains.append(number, line)
    } else if (this.#states.at(number) === DATED) {
      this.#chains.replaceLast(number, line)
    } else {
      this.#states.set(number, DATED)
      this.#chains.append(number, line)
    }
  }
}
