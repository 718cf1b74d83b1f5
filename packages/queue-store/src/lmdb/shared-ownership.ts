import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { copyOf } from "../codec/copy.ts"
import { readU48, writeU48 } from "../codec/numbers.ts"
import type { Participant } from "../engine.ts"
import { getById } from "../operations/context.ts"
import { walk } from "../operations/walk.ts"
import type { Ownership } from "../ownership.ts"
import type { Owner, Step } from "../queue-store.ts"
import type { LmdbTables } from "./lmdb-tables.ts"
import { isAlive, type ProcessStamp, thisProcess } from "./process-stamp.ts"
import { StoreFormatError } from "./store-format-error.ts"

const NODE_VERSION = 1
/** u8 version, u48 process number, u48 start of the process; the name follows. */
const NODE_HEADER = 13
/** More nodes than one machine has: those of processes that died are forgotten by every process that opens the store. */
const MOST_NODES = 10_000

/**
 * Ownership in the tables of an LMDB environment, for several processes that have it open at once.
 *
 * A node is an entry with a number that is never used again and the process that it belongs to; an owner is an entry with
 * the number of its node and the epoch. Without the node's entry its subscriptions do not exist: removing that one entry
 * ends them all, when its process ends or is found dead, and what is left of them is swept later. All numbers come from
 * the sequence of the store, so that epochs grow over all processes and restarts.
 *
 * Entries have 12 bytes for 24 of key: at most one a queue, removed with it.
 */
export class SharedOwnership implements Ownership, Participant {
  readonly #tables: LmdbTables
  readonly #self: ProcessStamp = thisProcess()
  /** Numbers of the nodes of this process, by name. */
  readonly #numbers = new Map<string, number>()
  /** Nodes that the group under way registered. */
  #registered: string[] = []

  constructor(tables: LmdbTables) {
    this.#tables = tables
  }

  take(recipientId: Uint8Array, node: string): { readonly owner: Owner; readonly previous: Owner | undefined } {
    const previous = this.current(recipientId)
    const { counters, owners } = this.#tables
    const number = this.#numberOf(node)
    const owner: Owner = { node, epoch: ++counters.sequence }
    const entry = new Uint8Array(12)
    writeU48(entry, 0, number)
    writeU48(entry, 6, owner.epoch)
    owners.put(recipientId, entry)
    return { owner, previous }
  }

  current(recipientId: Uint8Array): Owner | undefined {
    const entry = getById(this.#tables.owners, recipientId)
    if (entry === undefined) return undefined
    const number = readU48(entry, 0)
    const epoch = readU48(entry, 6)
    const stored = this.#tables.nodes.get(keyOf(number))
    return stored === undefined ? undefined : { node: decodeNode(stored).name, epoch }
  }

  holds(recipientId: Uint8Array, owner: Owner): boolean {
    const current = this.current(recipientId)
    return current !== undefined && current.epoch === owner.epoch && current.node === owner.node
  }

  drop(recipientId: Uint8Array): Owner | undefined {
    const previous = this.current(recipientId)
    if (previous !== undefined) this.#tables.owners.remove(recipientId)
    return previous
  }

  begin(): void {
    this.#registered = []
  }

  commit(): void {
    this.#registered = []
  }

  abort(): void {
    for (const node of this.#registered) this.#numbers.delete(node)
    this.#registered = []
  }

  /** Ends all subscriptions of this process. To be run as a change. */
  leave(): void {
    for (const number of this.#numbers.values()) this.#tables.nodes.remove(keyOf(number))
    this.#numbers.clear()
  }

  /** Keys of the nodes whose processes have ended. To be run as a look-up: asking the system takes its time. */
  deadNodes(): Uint8Array[] {
    const { nodes } = this.#tables
    return nodes.keys({ limit: MOST_NODES }).filter((key) => {
      const stored = nodes.get(key)
      return stored !== undefined && !isAlive(decodeNode(stored))
    })
  }

  /** Ends all subscriptions of these nodes. To be run as a change. */
  forget(nodes: readonly Uint8Array[]): void {
    for (const key of nodes) this.#tables.nodes.remove(key)
  }

  /** Removes what is left of subscriptions whose node is gone, looking at so many. To be run as a change. */
  sweep(options: { readonly limit: number } & Step): Step & { readonly removed: number } {
    const { nodes, owners } = this.#tables
    const { keys, step } = walk(owners, options)
    let removed = 0
    for (const key of keys) {
      const entry = owners.get(key)
      if (entry === undefined || nodes.has(copyOf(entry.subarray(0, 6)))) continue
      owners.remove(key)
      removed++
    }
    return { removed, ...step }
  }

  #numberOf(node: string): number {
    const known = this.#numbers.get(node)
    if (known !== undefined && this.#tables.nodes.has(keyOf(known))) return known
    const { counters, nodes } = this.#tables
    const number = ++counters.sequence
    nodes.put(keyOf(number), encodeNode(this.#self, node))
    this.#numbers.set(node, number)
    this.#registered.push(node)
    return number
  }
}

function keyOf(number: number): Uint8Array {
  const key = new Uint8Array(6)
  writeU48(key, 0, number)
  return key
}

function encodeNode({ pid, started }: ProcessStamp, name: string): Uint8Array {
  const bytes = utf8(name)
  const entry = new Uint8Array(NODE_HEADER + bytes.length)
  entry[0] = NODE_VERSION
  writeU48(entry, 1, pid)
  writeU48(entry, 7, started)
  entry.set(bytes, NODE_HEADER)
  return entry
}

function decodeNode(entry: Uint8Array): ProcessStamp & { readonly name: string } {
  if (entry[0] !== NODE_VERSION || entry.length < NODE_HEADER) {
    throw new StoreFormatError("a node is not in a known form")
  }
  return { pid: readU48(entry, 1), started: readU48(entry, 7), name: fromUtf8(entry.subarray(NODE_HEADER)) }
}
