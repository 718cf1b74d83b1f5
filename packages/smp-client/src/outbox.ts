import { type Batch, packBatches, writeBatch } from "@sluice/smp-protocol/batch"
import type { BlockCodec } from "@sluice/transport/block-codec"
import type { BlockStream } from "@sluice/transport/block-stream"

/** Most blocks that are made before it is asked again whether the socket takes more. */
const BLOCKS_PER_WRITE = 8

/** A transmission that waits to be sent. */
class OutboxItem {
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

/**
 * Collects the transmissions of one turn of the event loop and sends them in as few blocks as fit (transport.md §5.2).
 * While the socket does not take more, blocks wait here unencrypted.
 */
export class Outbox {
  readonly #stream: BlockStream
  readonly #codec: BlockCodec
  #items: OutboxItem[] = []
  #batches: Batch<OutboxItem>[] = []
  #scheduled = false
  #blocked = false

  constructor(stream: BlockStream, codec: BlockCodec) {
    this.#stream = stream
    this.#codec = codec
  }

  /** Adds a transmission of at most 16363 bytes. */
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

  /** Sends now what is there. */
  flush(): void {
    this.#scheduled = false
    if (this.#blocked) return
    this.#pack()
    while (this.#batches.length > 0 && !this.#blocked) {
      const blocks = this.#batches
        .splice(0, BLOCKS_PER_WRITE)
        .map((batch) => this.#codec.encodeWith((content) => writeBatch(batch, content)))
      this.#blocked = !this.#stream.writeAll(blocks)
    }
  }

  /** The socket takes more. */
  drained(): void {
    this.#blocked = false
    this.flush()
  }

  #pack(): void {
    const items = this.#items.filter(({ state }) => state === "waiting")
    this.#items = []
    for (const item of items) item.state = "packed"
    for (const packed of packBatches(items)) if (packed.fits) this.#batches.push(packed)
  }
}
