import { EMPTY } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { smallBytes, smallCopy } from "@sluice/encoding/small-bytes"
import { readU40, readU48, writeU40, writeU48 } from "./numbers.ts"

const VERSION = 1
const ID = 24
const ITEM = 36
const NOTIFY = 1
const MARKER = 2
const CAN_WRITE = 0x80

/** One item of a queue without its body. */
export interface QueuedItem {
  readonly id: Uint8Array
  /** Whole seconds, 0 to 2^40-1. */
  readonly timestamp: number
  readonly kind: "message" | "quota"
  readonly notify: boolean
  /** Number of the body; 0 for the marker, which has none. */
  readonly body: number
}

/**
 * The items of one queue in order, and whether more can be written (smp.md §5). Stored as u8 (version, 0x80 if more can
 * be written) and 36 bytes per item: 24 ID, u40 time, u8 flags, u48 number of the body. An empty queue is not stored at
 * all, because it can always be written to.
 */
export class MessageList {
  #items: Uint8Array
  canWrite: boolean

  /** From the stored form (copied), or of an empty queue. Throws `DecodeError` on another form. */
  constructor(stored: Uint8Array | undefined) {
    if (stored !== undefined && ((stored[0] as number) & ~CAN_WRITE) !== VERSION) {
      throw new DecodeError("messages: unknown version")
    }
    if (stored !== undefined && (stored.length % ITEM !== 1 || stored.length === 1)) {
      throw new DecodeError("messages: wrong length")
    }
    this.#items = stored === undefined ? EMPTY : smallCopy(stored.subarray(1))
    this.canWrite = stored === undefined || (stored[0] as number) >= CAN_WRITE
  }

  /** Number of items, the marker included. */
  get length(): number {
    return this.#items.length / ITEM
  }

  /** The item at a position from the head; its ID is a view. */
  at(position: number): QueuedItem | undefined {
    const items = this.#items
    const from = position * ITEM
    if (from >= items.length) return undefined
    const flags = items[from + 29] as number
    return {
      id: items.subarray(from, from + ID),
      timestamp: readU40(items, from + ID),
      kind: (flags & MARKER) !== 0 ? "quota" : "message",
      notify: (flags & NOTIFY) !== 0,
      body: readU48(items, from + 30),
    }
  }

  append(item: QueuedItem): void {
    const at = this.#items.length
    const items = smallBytes(at + ITEM)
    items.set(this.#items)
    items.set(item.id, at)
    writeU40(items, at + ID, item.timestamp)
    items[at + 29] = (item.notify ? NOTIFY : 0) | (item.kind === "quota" ? MARKER : 0)
    writeU48(items, at + 30, item.body)
    this.#items = items
  }

  /** Removes items from the head. */
  drop(count: number): void {
    this.#items = this.#items.subarray(count * ITEM)
  }

  encode(): Uint8Array {
    const stored = smallBytes(1 + this.#items.length)
    stored[0] = VERSION | (this.canWrite ? CAN_WRITE : 0)
    stored.set(this.#items, 1)
    return stored
  }
}
