import { Duplex } from "node:stream"
import { setImmediate as turn } from "node:timers/promises"
import { splitBlock } from "@sluice/smp-protocol/block"
import { plainBlocks } from "@sluice/transport/block-codec"
import { BlockStream } from "@sluice/transport/block-stream"
import { expect, test } from "vitest"
import { batchWriter } from "./batch-writer.ts"
import { Outbox } from "./outbox.ts"

/** A peer that takes blocks only when told to. */
class SlowPeer extends Duplex {
  readonly blocks: number[][] = []
  #held: (() => void)[] = []

  constructor() {
    super({ writableHighWaterMark: 1 })
  }

  override _read(): void {
    // it never sends
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: () => void): void {
    const content = plainBlocks().decode(chunk) ?? new Uint8Array()
    this.blocks.push((splitBlock(content) ?? []).map((body) => body[0] ?? -1))
    this.#held.push(done)
  }

  /** Takes everything, until nothing more comes. */
  async accept(): Promise<void> {
    while (this.#held.length > 0) {
      for (const done of this.#held.splice(0)) done()
      await turn()
    }
  }
}

function setup(): { peer: SlowPeer; outbox: Outbox } {
  const peer = new SlowPeer()
  const stream = new BlockStream(peer, { highWaterBlocks: 2 })
  const outbox = new Outbox(batchWriter(stream, plainBlocks()))
  stream.setHandler({ onBlock: () => undefined, onDrain: () => outbox.drained() })
  return { peer, outbox }
}

const transmission = (n: number, length = 16_000): Uint8Array => new Uint8Array(length).fill(n)

test("what is added in one turn is sent together, what was taken back is not", async () => {
  const { peer, outbox } = setup()
  outbox.add(transmission(1, 10))
  const cancel = outbox.add(transmission(2, 10))
  outbox.add(transmission(3, 10))
  expect(cancel()).toBe(true)
  expect(cancel()).toBe(true)
  await turn()
  expect(peer.blocks).toEqual([[1, 3]])
  const late = outbox.add(transmission(4, 10))
  await turn()
  expect(late()).toBe(false)
})

test("blocks wait while the socket is full, and go out in order", async () => {
  const { peer, outbox } = setup()
  for (let n = 0; n < 30; n++) outbox.add(transmission(n))
  await turn()
  // 8 blocks are made before it is asked whether there is room
  outbox.add(transmission(30))
  const cancel = outbox.add(transmission(31))
  await turn()
  expect(peer.blocks).toEqual([[0]])
  expect(cancel()).toBe(true)
  await peer.accept()
  expect(peer.blocks.flat()).toEqual(Array.from({ length: 31 }, (_, n) => n))
})
