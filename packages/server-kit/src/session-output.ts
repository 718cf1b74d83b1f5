import { type Batch, packBatches, writeBatch } from "@sluice/smp-protocol/batch"
import type { BlockCodec } from "@sluice/transport/block-codec"
import type { BlockStream } from "@sluice/transport/block-stream"
import type { Reply } from "./protocol.ts"
import type { ServerMetrics } from "./server-metrics.ts"
import type { ServerSettings } from "./server-settings.ts"

/**
 * What leaves a session. Batches become blocks, and are encrypted, only when there is room for them in the socket; until
 * then a bounded number of them waits. Blocks are made in the order in which they are written, as their cipher needs it.
 */
export class SessionOutput {
  readonly #stream: BlockStream
  readonly #codec: BlockCodec
  readonly #settings: ServerSettings
  readonly #metrics: ServerMetrics
  /** Packed blocks, not yet written; one batch can be several. */
  #waiting: Batch<Reply>[] = []
  #congested = false
  #ending = false

  constructor(stream: BlockStream, codec: BlockCodec, settings: ServerSettings, metrics: ServerMetrics) {
    this.#stream = stream
    this.#codec = codec
    this.#settings = settings
    this.#metrics = metrics
  }

  get congested(): boolean {
    return this.#congested
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Encrypted blocks that the socket has not taken. */
  get socketBlocks(): number {
    return Math.ceil(this.#stream.bufferedBytes / this.#stream.blockSize)
  }

  /** `false` when so many batches wait already that this one is dropped. Throws `RangeError` for one that never fits. */
  send(batch: readonly Reply[]): boolean {
    if (this.#waiting.length >= this.#settings.maxWaitingBatches) {
      this.#metrics.droppedBatches.value++
      return false
    }
    for (const packed of packBatches(batch)) {
      if (!packed.fits) throw new RangeError("a reply is too large for any block")
      if (this.#congested) this.#waiting.push(packed)
      else this.#write(packed)
    }
    return true
  }

  /** Writes what waits while there is room. Returns whether all of it was written and there is room for more. */
  flush(): boolean {
    this.#congested = false
    let written = 0
    while (!this.#congested && written < this.#waiting.length) {
      this.#write(this.#waiting[written] as Batch<Reply>)
      written++
    }
    this.#waiting = this.#waiting.slice(written)
    if (this.#ending && this.#waiting.length === 0) this.#stream.end()
    return !this.#congested && this.#waiting.length === 0
  }

  /** Ends the stream after everything that was sent. */
  end(): void {
    this.#ending = true
    if (this.#waiting.length === 0) this.#stream.end()
  }

  #write(batch: Batch<Reply>): void {
    const block = this.#codec.encodeWith((content) => writeBatch(batch, content))
    this.#metrics.blocksOut.value++
    this.#metrics.bytesOut.value += block.length
    this.#metrics.repliesOut.value += batch.items.length
    if (!this.#stream.write(block)) this.#congested = true
  }
}
