import { nativeCrypto as c } from "@sluice/crypto/native"
import { EMPTY, toHex } from "@sluice/encoding/bytes"
import { batchContent, packBatches } from "@sluice/smp-protocol/batch"
import { decodeResponses, type ParsedResponse } from "@sluice/smp-protocol/block"
import { encodeOutgoing } from "@sluice/smp-protocol/outgoing"
import { BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import type { ClientSession } from "@sluice/transport/session"
import { connectTls } from "@sluice/transport/tls-client"

const now = Math.floor(Date.now() / 1000)
const PING = { tag: "PING" } as const

/** A client of SMP sessions that sees blocks. */
export class SmpClient {
  readonly stream: BlockStream
  readonly params: ClientSession
  readonly closed: Promise<void>
  readonly #received: ParsedResponse[][] = []
  #wake = Promise.withResolvers<void>()

  constructor(stream: BlockStream, params: ClientSession) {
    this.stream = stream
    this.params = params
    this.closed = new Promise((resolve) => {
      stream.setHandler({
        onBlock: (block) => {
          this.#received.push(decodeResponses(params.blockCodec.decode(block) ?? EMPTY, params))
          this.#wake.resolve()
        },
        onClose: () => resolve(),
      })
    })
    stream.resume()
  }

  static async connect(port: number, keyHash: Uint8Array, protocols?: readonly string[]): Promise<SmpClient> {
    const tls = await connectTls({ crypto: c, keyHash, host: "127.0.0.1", port, now, protocols })
    const stream = new BlockStream(tls.socket)
    const { sessionId, serverChain } = tls
    return new SmpClient(stream, await clientHandshake(stream, { crypto: c, keyHash, sessionId, serverChain }))
  }

  /** A PING in the bytes of a transmission. */
  ping(corrId: Uint8Array): Uint8Array {
    const signer = { crypto: c, serverKey: this.params.serverKey }
    return encodeOutgoing(signer, this.params, { corrId, entityId: EMPTY, command: PING })
  }

  /** A good block with these transmissions. */
  block(...transmissions: Uint8Array[]): Uint8Array {
    const [packed] = packBatches(transmissions)
    if (packed?.fits !== true) throw new Error("too much for a block")
    return this.params.blockCodec.encode([batchContent(packed)])
  }

  async next(): Promise<ParsedResponse[]> {
    for (;;) {
      const block = this.#received.shift()
      if (block !== undefined) return block
      this.#wake = Promise.withResolvers()
      await this.#wake.promise
    }
  }

  /** Answers up to and including that of a PING sent now. */
  async roundTrip(): Promise<ParsedResponse[]> {
    const corrId = c.randomBytes(24)
    this.stream.write(this.block(this.ping(corrId)))
    const before: ParsedResponse[] = []
    for (;;) {
      const block = await this.next()
      if (block.some((item) => toHex(item.corrId) === toHex(corrId) && item.ok && item.message.tag === "PONG")) {
        return before
      }
      before.push(...block)
    }
  }
}
