import { type Batch, packBatches, writeBatch } from "@sluice/smp-protocol/batch"
import type { BlockCodec } from "@sluice/transport/block-codec"
import type { BlockStream } from "@sluice/transport/block-stream"
import type { BlockSession, Reply } from "./protocol.ts"
import type { ServerMetrics } from "./server-metrics.ts"
import type { ServerSettings } from "./server-settings.ts"

/**
 * What leaves a session. Batches become blocks, and are encrypted, only when there is room for them in the socket; until
 * then they wait. Blocks are made in the order in which they are written, as their cipher needs it.
 */
export class SessionOutput {
  readonly #stream: BlockStream
  readonly #codec: BlockCodec
  readonly #batching: boolean
  readonly #settings: ServerSettings
  readonly #metrics: ServerMetrics
  /** Packed blocks, not yet written; one batch can be several. */
  readonly #waiting: Batch<Reply>[] = []
  #congested = false
  #ending = false

  constructor(stream: BlockStream, session: BlockSession, settings: ServerSettings, metrics: ServerMetrics) {
    this.#stream = stream
    this.#codec = session.blockCodec
    this.#batching = session.batching ?? true
    this.#settings = settings
    this.#metrics = metrics
  }

  /** The socket has as many blocks as it may have; `flush` is to be called when it has taken some. */
  get congested(): boolean {
    return this.#congested
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** So much waits that no more events are to be added. */
  get full(): boolean {
    return this.#waiting.length >= this.#settings.maxWaitingBatches
  }

  /** Encrypted blocks that the socket has not taken. */
  get socketBlocks(): number {
    return Math.ceil(this.#stream.bufferedBytes / this.#stream.blockSize)
  }

  /** Distributes transmissions over blocks. Throws `RangeError` for one that no block can hold. */
  pack(batch: readonly Reply[]): Batch<Reply>[] {
    if (!this.#batching) return batch.map((item) => this.#alone(item))
    const packed: Batch<Reply>[] = []
    for (const item of packBatches(batch, this.#stream.blockSize)) {
      if (!item.fits) throw new RangeError("a reply is too large for any block")
      packed.push(item)
    }
    return packed
  }

  /**
   * Writes what fits into the socket and keeps the rest. When it throws, which only an item that cannot be written makes
   * it do, the session cannot go on: blocks may have been encrypted that are not sent.
   */
  send(packed: readonly Batch<Reply>[]): void {
    const [first] = packed
    if (!this.#congested && first !== undefined && packed.length === 1) {
      if (!this.#stream.write(this.#block(first))) this.#congested = true
      return
    }
    this.#waiting.push(...packed)
    if (!this.#congested) this.#fill()
  }

  /** Writes what waits while there is room. Returns whether all of it was written and there is room for more. */
  flush(): boolean {
    this.#congested = false
    this.#fill()
    if (this.#ending && this.#waiting.length === 0) this.#stream.end()
    return !this.#congested
  }

  /** Ends the stream after everything that was sent. */
  end(): void {
    this.#ending = true
    if (this.#waiting.length === 0) this.#stream.end()
  }

  #fill(): void {
    while (!this.#congested && this.#waiting.length > 0) {
      const room = Math.max(1, this.#settings.maxSocketBlocks - this.socketBlocks)
      const blocks = this.#waiting.splice(0, room).map((batch) => this.#block(batch))
      if (!this.#stream.writeAll(blocks)) this.#congested = true
    }
  }

  #alone(item: Reply): Batch<Reply> {
    if (item.length > this.#codec.maxContent) throw new RangeError("a reply is too large for any block")
    return { items: [item], length: item.length }
  }

  #block(batch: Batch<Reply>): Uint8Array {
    const block = this.#codec.encodeWith((content) =>
      this.#batching ? writeBatch(batch, content) : writeAlone(batch, content),
    )
    this.#metrics.blocksOut.value++
    this.#metrics.bytesOut.value += block.length
    this.#metrics.repliesOut.value += batch.items.length
    return block
  }
}

/** Writes the only transmission of a block; gives its length. */
function writeAlone({ items: [item] }: Batch<Reply>, out: Uint8Array): number {
  if (item === undefined) return 0
  if (item instanceof Uint8Array) out.set(item)
  else item.writeTo(out.subarray(0, item.length))
  return item.length
}
