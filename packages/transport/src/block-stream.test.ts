import { Duplex, duplexPair } from "node:stream"
import { setImmediate as turn } from "node:timers/promises"
import { concatBytes } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type BlockHandler, BlockStream } from "./block-stream.ts"
import type { CloseReason } from "./errors.ts"

const SIZE = 16

/** Collects what a stream reports. */
class Recorder implements BlockHandler {
  readonly blocks: Uint8Array[] = []
  readonly closes: [CloseReason, string | undefined][] = []
  drains = 0
  readonly closed: Promise<void>
  #resolve: () => void = () => undefined

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  onBlock(block: Uint8Array): void {
    this.blocks.push(new Uint8Array(block)) // `slice` of a Buffer would not copy
  }

  onDrain(): void {
    this.drains++
  }

  onClose(reason: CloseReason, error?: Error): void {
    this.closes.push([reason, error?.message])
    this.#resolve()
  }
}

function block(fill: number, size: number = SIZE): Uint8Array {
  return new Uint8Array(size).fill(fill)
}

/** A source that hands on exactly the chunks it is given, and a sink that holds its writes until told. */
class Scripted extends Duplex {
  readonly written: Uint8Array[] = []
  readonly batches: number[] = []
  readonly #held: (() => void)[] = []
  holding = false

  override _read(): void {
    // Chunks are pushed by the test.
  }

  override _write(chunk: Uint8Array, _: string, done: () => void): void {
    this.#take([chunk], done)
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  #take(chunks: Uint8Array[], done: () => void): void {
    this.written.push(...chunks)
    this.batches.push(chunks.length)
    if (this.holding) this.#held.push(done)
    else done()
  }

  flush(): void {
    for (const done of this.#held.splice(0)) done()
  }
}

function started(options: { highWaterBlocks?: number } = {}): {
  source: Scripted
  stream: BlockStream
  seen: Recorder
} {
  const source = new Scripted({ highWaterMark: SIZE })
  const stream = new BlockStream(source, { blockSize: SIZE, ...options })
  const seen = new Recorder()
  stream.setHandler(seen)
  stream.resume()
  return { source, stream, seen }
}

describe("incoming blocks", () => {
  it("come out whole however the bytes are cut", async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 3 * SIZE }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 8 }), cuts, async (count, lengths) => {
        const { source, seen } = started()
        const blocks = Array.from({ length: count }, (_, i) => Uint8Array.from({ length: SIZE }, (__, j) => i * 31 + j))
        const all = concatBytes(...blocks)
        for (let at = 0, i = 0; at < all.length; i++) {
          const length = lengths[i % lengths.length] ?? 1
          source.push(all.slice(at, at + length))
          at += length
        }
        source.push(null)
        await seen.closed
        expect(seen.blocks).toEqual(blocks)
        expect(seen.closes).toEqual([["ended", undefined]])
      }),
      { numRuns: 60 },
    )
  })

  it("cut at every single place are put together", async () => {
    const all = Uint8Array.from({ length: 2 * SIZE }, (_, i) => i)
    for (let cut = 1; cut < all.length; cut++) {
      const { source, seen } = started()
      source.push(all.slice(0, cut))
      await turn()
      expect(seen.blocks.length).toBe(Math.floor(cut / SIZE))
      source.push(all.slice(cut))
      source.push(null)
      await seen.closed
      expect(seen.blocks).toEqual([all.slice(0, SIZE), all.slice(SIZE)])
    }
  })

  it("are handed on without a copy when a chunk is one block", async () => {
    const { source, stream } = started()
    const got = Promise.withResolvers<Uint8Array>()
    stream.setHandler({ onBlock: got.resolve })
    const chunk = Buffer.alloc(SIZE, 5)
    source.push(chunk)
    expect(await got.promise).toBe(chunk)
  })

  it("are views when a chunk is several blocks", async () => {
    const { source, stream } = started()
    const buffers: ArrayBufferLike[] = []
    stream.setHandler({ onBlock: (b) => buffers.push(b.buffer) })
    const chunk = Buffer.alloc(3 * SIZE, 5)
    source.push(chunk)
    await turn()
    expect(buffers).toEqual([chunk.buffer, chunk.buffer, chunk.buffer])
  })

  it("stop in the middle of a chunk when paused, and go on where they stopped", async () => {
    const { source, stream } = started()
    const seen: number[] = []
    const pausing: BlockHandler = {
      onBlock: (b) => {
        seen.push(b[0] ?? -1)
        if (seen.length !== 3) stream.pause()
      },
    }
    stream.setHandler(pausing)
    source.push(concatBytes(block(1), block(2), block(3), block(4).subarray(0, 5)))
    source.push(concatBytes(block(4).subarray(5), block(5)))
    source.push(null)
    for (const expected of [[1], [1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5]]) {
      await turn()
      await turn()
      expect(seen).toEqual(expected)
      stream.resume()
    }
  })

  it("wait for a handler and for resume", async () => {
    const source = new Scripted()
    const stream = new BlockStream(source, { blockSize: SIZE })
    source.push(block(1))
    source.push(null)
    await turn()
    const seen = new Recorder()
    stream.setHandler(seen)
    await turn()
    expect([seen.blocks, seen.closes]).toEqual([[], []])
    stream.resume()
    await seen.closed
    expect(seen.blocks).toEqual([block(1)])
  })

  it("go to a handler that was set while another had one", async () => {
    const { source, stream } = started()
    const second = new Recorder()
    stream.setHandler({ onBlock: () => stream.setHandler(second) })
    source.push(concatBytes(block(1), block(2)))
    await turn()
    expect(second.blocks).toEqual([block(2)])
  })
})

describe("the end", () => {
  it("inside a block is a lost connection", async () => {
    const { source, seen } = started()
    source.push(concatBytes(block(1), Uint8Array.of(2)))
    source.push(null)
    await seen.closed
    expect([seen.blocks, seen.closes]).toEqual([[block(1)], [["cut", undefined]]])
  })

  it("by an error, and by destruction without one, is told once", async () => {
    const failed = started()
    failed.source.destroy(new Error("reset"))
    await failed.seen.closed
    expect(failed.seen.closes).toEqual([["failed", "reset"]])
    const lost = started()
    lost.source.destroy()
    await lost.seen.closed
    expect(lost.seen.closes).toEqual([["cut", undefined]])
  })

  it("by our own hand is told as such", async () => {
    const { source, stream, seen } = started()
    stream.destroy()
    await seen.closed
    expect(seen.closes).toEqual([["closed", undefined]])
    expect(source.destroyed).toBe(true)
    expect(stream.write(block(1))).toBe(false)
    expect(source.written).toEqual([])
  })

  it("is told to a handler that comes late", async () => {
    const { stream, seen } = started()
    stream.destroy()
    await seen.closed
    const late = new Recorder()
    stream.setHandler(late)
    await late.closed
    expect(late.closes).toEqual([["closed", undefined]])
  })

  it("lets everything out that was written, and throws away what still comes in", async () => {
    const [near, far] = duplexPair()
    const stream = new BlockStream(near, { blockSize: SIZE })
    const seen = new Recorder()
    stream.setHandler(seen)
    stream.resume()
    const received: Uint8Array[] = []
    far.on("data", (chunk: Uint8Array) => received.push(chunk))
    stream.writeAll([block(1), block(2)])
    stream.end()
    expect(stream.writable).toBe(false)
    stream.write(block(3))
    far.write(block(9))
    far.end()
    await seen.closed
    expect(concatBytes(...received)).toEqual(concatBytes(block(1), block(2)))
    expect([seen.blocks, seen.closes]).toEqual([[], [["closed", undefined]]])
  })

  it("does not wait for ever for a peer that keeps its side open", async () => {
    const [near] = duplexPair()
    const stream = new BlockStream(near, { blockSize: SIZE, lingerMs: 1 })
    const seen = new Recorder()
    stream.setHandler(seen)
    stream.end()
    await seen.closed
    expect(near.destroyed).toBe(true)
  })

  it("comes to the connection of a handler that throws, and to no other", async () => {
    const { source, stream, seen } = started()
    stream.setHandler({
      onBlock: () => {
        throw new Error("handler")
      },
      onClose: (reason, error) => seen.onClose(reason, error),
    })
    source.push(concatBytes(block(1), block(2)))
    await seen.closed
    expect(seen.closes).toEqual([["failed", "handler"]])
  })
})

describe("outgoing blocks", () => {
  it("must have the right size", () => {
    const { stream } = started()
    expect(() => stream.write(new Uint8Array(SIZE - 1))).toThrow(RangeError)
  })

  it("are accepted up to the mark and over it, and draining is told at half of it", async () => {
    const { source, stream, seen } = started({ highWaterBlocks: 4 })
    source.holding = true
    expect([1, 2, 3].map((i) => stream.write(block(i)))).toEqual([true, true, true])
    expect([4, 5].map((i) => stream.write(block(i)))).toEqual([false, false])
    expect(stream.bufferedBytes).toBe(5 * SIZE)
    source.flush() // the first; the rest follows as one batch, still held
    await turn()
    expect([stream.bufferedBytes, seen.drains]).toEqual([4 * SIZE, 0])
    expect(stream.write(block(6))).toBe(false)
    source.flush()
    await turn()
    expect(seen.drains).toBe(1)
    source.flush()
    await turn()
    expect([stream.bufferedBytes, seen.drains]).toEqual([0, 1])
    expect(stream.write(block(7))).toBe(true)
  })

  it("that are written together leave together", async () => {
    const { source, stream } = started()
    expect(stream.writeAll([block(1), block(2), block(3)])).toBe(true)
    stream.writeAll([block(4)])
    stream.writeAll([])
    await turn()
    expect(source.batches).toEqual([3, 1])
    expect(source.written.map((b) => b[0])).toEqual([1, 2, 3, 4])
  })
})
