/** Bytes of an SMP block. Blocks of other protocols that are packed in the same way have other sizes. */
export const BLOCK_SIZE = 16_384
/** Longest transmission in an SMP block. */
export const MAX_TRANSMISSION_LENGTH = 16_363
/** Most transmissions in a block. */
export const MAX_BATCH_COUNT = 255

const LENGTH_PREFIX = 2
const COUNT_PREFIX = 1
/** Bytes of a block that are not for transmissions: pad length, count, tag; the same where blocks are not encrypted. */
const OVERHEAD = 2 + COUNT_PREFIX + 16

/**
 * A transmission whose length is known before it is written, so that 16 KB of it need not exist twice. It is written
 * once at most, into a buffer that may hold anything before.
 */
export interface BatchItem {
  /** Bytes, without the length prefix. */
  readonly length: number
  /** Fills `out`, which is exactly `length` bytes long. */
  writeTo(out: Uint8Array): void
}

/** Several transmissions that go into one block. */
export interface Batch<T> {
  readonly items: readonly T[]
  /** Bytes of the content of the block. */
  readonly length: number
}

/** One result of {@link packBatches}, in the order of the items. */
export type Packed<T> =
  | ({ readonly fits: true } & Batch<T>)
  /** An item over the limit, {@link MAX_TRANSMISSION_LENGTH} in SMP; its sender is to be told `LARGE_MSG`. */
  | { readonly fits: false; readonly item: T }

/**
 * Distributes transmissions over blocks exactly as the reference does (transport.md §5.2): from the last to the first,
 * so that the first block is the one that may be nearly empty. Items stay in order. An item too large for any block
 * stands on its own between the batches; no batch spans it.
 */
export function packBatches<T extends { readonly length: number }>(
  items: readonly T[],
  blockSize: number = BLOCK_SIZE,
): Packed<T>[] {
  const budget = blockSize - OVERHEAD
  const packed: Packed<T>[] = []
  let batch: T[] = []
  let used = 0
  const close = (): void => {
    if (batch.length > 0) packed.push({ fits: true, items: batch.reverse(), length: COUNT_PREFIX + used })
    batch = []
    used = 0
  }
  for (const item of items.toReversed()) {
    const size = LENGTH_PREFIX + item.length
    if (size > budget) {
      close()
      packed.push({ fits: false, item })
      continue
    }
    if (used + size > budget || batch.length === MAX_BATCH_COUNT) close()
    batch.push(item)
    used += size
  }
  close()
  return packed.reverse()
}

/** Writes the content of a block at the start of `out`; gives its length, which is that of the batch. */
export function writeBatch(batch: Batch<Uint8Array | BatchItem>, out: Uint8Array): number {
  out[0] = batch.items.length
  let at = COUNT_PREFIX
  for (const item of batch.items) {
    out[at] = item.length >>> 8
    out[at + 1] = item.length
    at += LENGTH_PREFIX
    if (item instanceof Uint8Array) out.set(item, at)
    else item.writeTo(out.subarray(at, at + item.length))
    at += item.length
  }
  return at
}

/** The content of a block with these transmissions. */
export function batchContent(batch: Batch<Uint8Array | BatchItem>): Uint8Array {
  const content = new Uint8Array(batch.length)
  writeBatch(batch, content)
  return content
}

/** One result of {@link batchTransmissions}. */
export type BlockContent =
  | { readonly fits: true; readonly content: Uint8Array; readonly count: number }
  | { readonly fits: false; readonly item: Uint8Array }

/** {@link packBatches} for transmissions in bytes, giving the content of each block. */
export function batchTransmissions(
  transmissions: readonly Uint8Array[],
  blockSize: number = BLOCK_SIZE,
): BlockContent[] {
  return packBatches(transmissions, blockSize).map((packed) =>
    packed.fits ? { fits: true, content: batchContent(packed), count: packed.items.length } : packed,
  )
}

/** Content of a block with a single transmission, as inside proxied requests. */
export function singleContent(transmission: Uint8Array): Uint8Array {
  return batchContent({ items: [transmission], length: COUNT_PREFIX + LENGTH_PREFIX + transmission.length })
}
