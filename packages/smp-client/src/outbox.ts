/** A transmission that waits to be sent. */
export class OutboxItem {
  readonly bytes: Uint8Array
  state: "waiting" | "cancelled" | "packed" = "waiting"

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get length(): number {
    return this.bytes.length
  }

  writeTo(out: Uint8Array): void {
    out.set(this.bytes)
  }
}

/** Takes a transmission back; tells whether it was in time. */
export type CancelSending = () => boolean

/** Writes transmissions, or keeps them until it is called again, with more or none; tells whether the socket takes more. */
export type OutboxWriter = (items: readonly OutboxItem[]) => boolean

/** Collects the transmissions of one turn of the event loop, so that they leave together, and as long as the socket is full. */
export class Outbox {
  readonly #write: OutboxWriter
  #items: OutboxItem[] = []
  #scheduled = false
  #blocked = false

  constructor(write: OutboxWriter) {
    this.#write = write
  }

  /** Adds a transmission that fits into a block. */
  add(transmission: Uint8Array): CancelSending {
    const item = new OutboxItem(transmission)
    this.#items.push(item)
    if (!this.#scheduled && !this.#blocked) {
      this.#scheduled = true
      setImmediate(() => this.flush())
    }
    return () => {
      if (item.state === "waiting") item.state = "cancelled"
      return item.state === "cancelled"
    }
  }

  /** Sends now what is there, unless the socket is full. */
  flush(): void {
    this.#scheduled = false
    if (this.#blocked) return
    const items = this.#items.filter(({ state }) => state === "waiting")
    this.#items = []
    for (const item of items) item.state = "packed"
    this.#blocked = !this.#write(items)
  }

  /** The socket takes more. */
  drained(): void {
    this.#blocked = false
    this.flush()
  }
}
