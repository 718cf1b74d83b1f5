import { ntfContents } from "@sluice/ntf-protocol/block"
import type { TransmissionParams } from "@sluice/smp-protocol/transmission"
import { plainBlocks } from "@sluice/transport/block-codec"
import type { BlockStream } from "@sluice/transport/block-stream"

/** A transmission that waits to be sent. */
interface Waiting {
  readonly transmission: Uint8Array
  state: "waiting" | "cancelled" | "packed"
}

/** Collects the transmissions of one turn of the event loop and sends them in as few blocks as fit. */
export class NtfOutbox {
  readonly #stream: BlockStream
  readonly #params: TransmissionParams
  readonly #codec: ReturnType<typeof plainBlocks>
  #items: Waiting[] = []
  #scheduled = false
  #blocked = false

  constructor(stream: BlockStream, params: TransmissionParams) {
    this.#stream = stream
    this.#params = params
    this.#codec = plainBlocks(stream.blockSize)
  }

  /** Adds a transmission that fits into a block. Gives a function that takes it back and tells whether it was in time. */
  add(transmission: Uint8Array): () => boolean {
    const item: Waiting = { transmission, state: "waiting" }
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
    if (this.#blocked || this.#items.length === 0) return
    const items = this.#items.filter(({ state }) => state === "waiting")
    this.#items = []
    for (const item of items) item.state = "packed"
    const contents = ntfContents(
      items.map(({ transmission }) => transmission),
      this.#params,
    )
    this.#blocked = !this.#stream.writeAll(contents.map((content) => this.#codec.encode([content])))
  }

  /** The socket takes more. */
  drained(): void {
    this.#blocked = false
    this.flush()
  }
}
