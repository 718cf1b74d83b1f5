import { nativeCrypto as c } from "@sluice/crypto/native"
import { concatBytes, equalBytes, toHex } from "@sluice/encoding/bytes"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { BlockCipher, blockChains } from "./block-cipher.ts"
import { type BlockCodec, plainBlocks } from "./block-codec.ts"
import { BLOCK_SIZE } from "./block-stream.ts"

const sessionId = new Uint8Array(32).fill(1)
const secret = new Uint8Array(32).fill(2)

function cipher(side: "server" | "client"): BlockCipher {
  return new BlockCipher(c, blockChains(c, side, sessionId, secret))
}

const CODECS: readonly {
  name: string
  maxContent: number
  make: () => { sender: BlockCodec; receiver: BlockCodec }
}[] = [
  { name: "plain", maxContent: 16_382, make: () => ({ sender: plainBlocks(), receiver: plainBlocks() }) },
  { name: "encrypted", maxContent: 16_366, make: () => ({ sender: cipher("server"), receiver: cipher("client") }) },
]

describe.each(CODECS)("$name blocks", ({ maxContent, make }) => {
  it("carry any content of any parts, in order", () => {
    const { sender, receiver } = make()
    const parts = fc.array(fc.uint8Array({ maxLength: 4096 }), { maxLength: 3 })
    fc.assert(
      fc.property(parts, (given) => {
        const block = sender.encode(given)
        expect(block.length).toBe(BLOCK_SIZE)
        const content = receiver.decode(block)
        expect(content !== undefined && equalBytes(content, concatBytes(...given))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it("give the same block for a content written in place", () => {
    const [a, b] = [make().sender, make().sender]
    const content = Uint8Array.from({ length: 1000 }, (_, i) => i)
    const block = b.encodeWith((area) => {
      expect(area.length).toBe(maxContent)
      area.set(content)
      return content.length
    })
    expect(toHex(c.sha256(block))).toBe(toHex(c.sha256(a.encode([content]))))
  })

  it("hold at most their limit, and a content over it or a failing writer changes nothing", () => {
    const { sender, receiver } = make()
    expect(sender.maxContent).toBe(maxContent)
    const full = new Uint8Array(maxContent).fill(7)
    const tooLong = expect.objectContaining({ code: "LARGE_MSG" })
    expect(() => sender.encode([full, Uint8Array.of(1)])).toThrow(tooLong)
    expect(() => sender.encodeWith(() => maxContent + 1)).toThrow(tooLong)
    expect(() =>
      sender.encodeWith(() => {
        throw new Error("writer")
      }),
    ).toThrow("writer")
    expect(receiver.decode(sender.encode([full]))).toEqual(full)
    expect(receiver.decode(sender.encode([]))).toEqual(new Uint8Array())
  })

  it("return content as a view on the block", () => {
    const { sender, receiver } = make()
    const block = sender.encode([Uint8Array.of(1, 2, 3)])
    expect(receiver.decode(block)?.buffer).toBe(block.buffer)
  })
})

describe("plain blocks", () => {
  it("have another size where another is asked for", () => {
    const codec = plainBlocks(512)
    expect(codec.maxContent).toBe(510)
    expect(codec.encode([Uint8Array.of(1)]).length).toBe(512)
  })

  it("whose length does not fit are refused", () => {
    const codec = plainBlocks(16)
    expect(codec.decode(Uint8Array.from([0, 15, ...new Array(14).fill(0)]))).toBeUndefined()
    expect(codec.decode(Uint8Array.of(0))).toBeUndefined()
    expect(codec.decode(new Uint8Array())).toBeUndefined()
    expect(codec.decode(Uint8Array.from([0, 14, ...new Array(14).fill(9)]))?.length).toBe(14)
  })
})

describe("encrypted blocks", () => {
  it("that were changed anywhere are refused, and the next one is read all the same", () => {
    const [sender, receiver] = [cipher("server"), cipher("client")]
    fc.assert(
      fc.property(fc.nat(BLOCK_SIZE - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const block = sender.encode([Uint8Array.of(1)])
        block[at] = (block[at] ?? 0) ^ change
        expect(receiver.decode(block)).toBeUndefined()
        expect(receiver.decode(sender.encode([Uint8Array.of(2)]))).toEqual(Uint8Array.of(2))
      }),
      { numRuns: 50 },
    )
  })

  it("with a wrong length inside are refused", () => {
    const { send } = blockChains(c, "server", sessionId, secret)
    const receiver = cipher("client")
    // A peer that pads wrongly but encrypts well.
    const block = cipher("server").encodeWith((area) => {
      area.fill(0)
      return 1
    })
    expect(receiver.decode(block)).toEqual(Uint8Array.of(0))
    expect(new BlockCipher(c, { send, receive: send }).decode(forged(send))).toBeUndefined()
  })

  it("of another size are a mistake of the caller", () => {
    expect(() => cipher("client").decode(new Uint8Array(512))).toThrow(RangeError)
  })
})

/** A block that decrypts with the first step of a chain to a padded message longer than itself. */
function forged(chain: Uint8Array): Uint8Array {
  const keys = c.hkdf(new Uint8Array(), chain, "SimpleXSbChain", 88)
  const padded = new Uint8Array(BLOCK_SIZE - 16).fill(0xff)
  return c.seal(c.boxKey(keys.subarray(32, 64)), keys.subarray(64), padded)
}
