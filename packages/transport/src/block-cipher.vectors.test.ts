import { nativeCrypto } from "@sluice/crypto/native"
import { portableCrypto } from "@sluice/crypto/portable"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { vectors } from "../../../test/vectors.ts"
import { pairOf, type VectorKey } from "../test/handshake-vectors.ts"
import { BlockCipher, blockChains } from "./block-cipher.ts"
import { BLOCK_SIZE } from "./block-stream.ts"
import { TransportError } from "./errors.ts"

type Bytes = string | { readonly repeat: string; readonly length: number }

interface Step {
  readonly n: number
  readonly plaintext: Bytes
  readonly chainKeyBefore: string
  readonly chainKeyAfter: string
  readonly put: string
  readonly blockSha256: string
  readonly blockFirst64: string
  readonly decrypts: boolean
  readonly block?: string
}

interface Chain {
  readonly name: string
  readonly sessionId: string
  readonly keyA: VectorKey
  readonly keyB: VectorKey
  readonly secret: string
  readonly chainKey1: string
  readonly chainKey2: string
  readonly serverToClient: Step[]
  readonly clientToServer: Step[]
}

interface FailureStep {
  readonly name: string
  readonly action: string
  readonly result: string | { readonly plaintext: string }
  readonly sndChainKeyAfter: string
  readonly rcvChainKeyAfter: string
  readonly blockSha256?: string
}

const file = vectors<{
  blockEncryption: Chain[]
  blockEncryptionFailures: { sessionId: string; secret: string; steps: FailureStep[] }
}>("transport.json")

function bytes(value: Bytes): Uint8Array {
  return typeof value === "string" ? fromHex(value) : new Uint8Array(value.length).fill(fromHex(value.repeat)[0] ?? 0)
}

describe.each([nativeCrypto, portableCrypto])("block encryption with the $name back end", (c) => {
  it("gives the values of the worked example (transport.md §4)", () => {
    const sessionId = Uint8Array.from({ length: 32 }, (_, i) => i)
    const secret = new Uint8Array(32).fill(0x42)
    const chains = blockChains(c, "server", sessionId, secret)
    expect(toHex(chains.send)).toBe("8530811e75af88d1ed785c0a0bf3ef1641784f86c2a536c08c113991facd8109")
    expect(toHex(chains.receive)).toBe("53cce3394db1d28666f86a0b302af6be23a5057d17f1e5459b788aa034849c16")
    const server = new BlockCipher(c, chains)
    const block = server.encode([new TextEncoder().encode("hello")])
    expect(toHex(server.chains.send)).toBe("6208fcafa0eadcdabe0b4e1b66be7a4d9f720b267f69500f343c55d823e3086d")
    expect(toHex(block.subarray(0, 32))).toBe("005616310235a6986b1ac8969ff029b57a84ae29e4d3982b99d414dc56e403a7")
    expect(toHex(c.sha256(block))).toBe("26372525b35d6175ddf50cb52fc7f7606ae2e8e945d8980444aaa44aed15cb4e")
  })

  it.skipIf(file === undefined)("has vectors", () => {
    expect(file?.blockEncryption.length).toBeGreaterThan(0)
    expect(file?.blockEncryptionFailures.steps.length).toBeGreaterThan(0)
  })

  it.skipIf(file === undefined).each(file?.blockEncryption ?? [])("$name", (chain) => {
    const secret = fromHex(chain.secret)
    const [a, b] = [pairOf(chain.keyA, "x25519"), pairOf(chain.keyB, "x25519")]
    expect(toHex(c.diffieHellman(a.privateKey, b.publicKey))).toBe(chain.secret)
    const ends = {
      server: new BlockCipher(c, blockChains(c, "server", fromHex(chain.sessionId), secret)),
      client: new BlockCipher(c, blockChains(c, "client", fromHex(chain.sessionId), secret)),
    }
    expect(toHex(ends.server.chains.send)).toBe(chain.chainKey1)
    expect(toHex(ends.server.chains.receive)).toBe(chain.chainKey2)
    replay(ends.server, ends.client, chain.serverToClient)
    replay(ends.client, ends.server, chain.clientToServer)
  })

  function replay(sender: BlockCipher, receiver: BlockCipher, steps: readonly Step[]): void {
    expect(steps.length).toBeGreaterThan(0)
    for (const step of steps) {
      expect([step.put, step.decrypts]).toEqual(["ok", true])
      const plaintext = bytes(step.plaintext)
      expect(toHex(sender.chains.send)).toBe(step.chainKeyBefore)
      const block = sender.encode([plaintext.subarray(0, 2), plaintext.subarray(2)])
      expect(toHex(sender.chains.send)).toBe(step.chainKeyAfter)
      expect(toHex(c.sha256(block))).toBe(step.blockSha256)
      expect(toHex(block.subarray(0, 64))).toBe(step.blockFirst64)
      if (step.block !== undefined) expect(toHex(block)).toBe(step.block)
      expect(toHex(receiver.decode(block) ?? fromHex("ff"))).toBe(toHex(plaintext))
      expect(toHex(receiver.chains.receive)).toBe(step.chainKeyAfter)
    }
  }

  it.skipIf(file === undefined)(
    "failed blocks take a step at the receiver, too long contents none at the sender",
    () => {
      if (file === undefined) return
      const { sessionId, secret, steps } = file.blockEncryptionFailures
      // One party that talks to itself: it receives with the chain it sends with.
      const { send } = blockChains(c, "server", fromHex(sessionId), fromHex(secret))
      let sender = new BlockCipher(c, { send, receive: send })
      const receiver = new BlockCipher(c, { send, receive: send })
      const sent: Uint8Array[] = []
      for (const step of steps) {
        const [, content, length] = /^send (?:'(.*)'|(\d+) bytes)$/.exec(step.action) ?? []
        if (length !== undefined) {
          const before = sender.chains.send
          expect(() => sender.encode([new Uint8Array(Number(length))])).toThrow(TransportError)
          expect(step.result).toBe("LARGE_MSG")
          expect(sender.chains.send).toEqual(before)
          // The reference's chain goes on here and its session is lost; to replay the rest, follow it.
          const followed = fromHex(step.sndChainKeyAfter)
          sender = new BlockCipher(c, { send: followed, receive: followed })
        } else if (content !== undefined) {
          sent.push(sender.encode([new TextEncoder().encode(content)]))
          expect(step.result).toBe("ok")
        } else {
          const block = received(step, sent)
          if (step.blockSha256 !== undefined) expect(toHex(c.sha256(block))).toBe(step.blockSha256)
          const found = receiver.decode(block)
          expect(found === undefined ? "LARGE_MSG" : { plaintext: toHex(found) }).toEqual(step.result)
        }
        expect(toHex(sender.chains.send)).toBe(step.sndChainKeyAfter)
        expect(toHex(receiver.chains.receive)).toBe(step.rcvChainKeyAfter)
      }
    },
  )

  /** The block that a "receive" step is about, by the words of its name. */
  function received(step: FailureStep, sent: readonly Uint8Array[]): Uint8Array {
    const [first, third] = sent
    const block = (step.name.startsWith("receive first") ? first : third)?.slice()
    if (block === undefined) throw new Error("vector steps out of order")
    if (step.name.includes("last byte changed")) block[BLOCK_SIZE - 1] = 0
    return block
  }
})
