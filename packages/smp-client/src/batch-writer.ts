import { type Batch, packBatches, writeBatch } from "@sluice/smp-protocol/batch"
import type { BlockCodec } from "@sluice/transport/block-codec"
import type { BlockStream } from "@sluice/transport/block-stream"
import type { OutboxItem, OutboxWriter } from "./outbox.ts"

/** Most blocks that are made before it is asked again whether the socket takes more. */
const BLOCKS_PER_WRITE = 8

/**
 * Writes transmissions of at most 16363 bytes in as few blocks as fit (transport.md §5.2). While the socket does not take
 * more, blocks wait here unencrypted.
 */
export function batchWriter(stream: BlockStream, codec: BlockCodec): OutboxWriter {
  const waiting: Batch<OutboxItem>[] = []
  return (items) => {
    for (const packed of packBatches(items)) if (packed.fits) waiting.push(packed)
    let room = true
    while (waiting.length > 0 && room) {
      const blocks = waiting
        .splice(0, BLOCKS_PER_WRITE)
        .map((batch) => codec.encodeWith((content) => writeBatch(batch, content)))
      room = stream.writeAll(blocks)
    }
    return room
  }
}
