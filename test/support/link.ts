import { nativeCrypto } from "@sluice/crypto/native"
import { plainBlocks } from "@sluice/transport/block-codec"
import { BlockStream } from "@sluice/transport/block-stream"
import type { Credentials } from "@sluice/transport/credentials"
import { decodeServerHello, type ServerHello } from "@sluice/transport/hello"
import { connectTls } from "@sluice/transport/tls-client"
import { Arrivals } from "./arrivals.ts"
import type { TestRelay } from "./relay.ts"

/** How the TLS connection of a {@link Link} is made. */
export interface LinkOptions {
  /** ALPN names to offer; default `smp/1`. */
  readonly alpn?: readonly string[]
  /** Shown in TLS, whatever the hello says later. */
  readonly certificate?: Credentials
}

/** A connection whose handshake is in the hands of the test: blocks that are padded and not encrypted. */
export class Link {
  /** The server's hello. */
  readonly hello: ServerHello
  readonly sessionId: Uint8Array
  readonly #stream: BlockStream
  readonly #arrivals: Arrivals<Uint8Array>

  private constructor(stream: BlockStream, arrivals: Arrivals<Uint8Array>, hello: ServerHello, sessionId: Uint8Array) {
    this.#stream = stream
    this.#arrivals = arrivals
    this.hello = hello
    this.sessionId = sessionId
  }

  static async open(relay: TestRelay, { alpn, certificate }: LinkOptions = {}): Promise<Link> {
    const tls = await connectTls({
      ...{ crypto: nativeCrypto, host: "127.0.0.1", port: relay.port, keyHash: relay.relay.fingerprint },
      ...{ now: Math.floor(Date.now() / 1000), keepAlive: false, service: certificate, protocols: alpn },
    })
    const stream = new BlockStream(tls.socket)
    const arrivals = new Arrivals<Uint8Array>()
    stream.setHandler({
      onBlock: (block) => arrivals.add(block),
      onClose: (reason) => arrivals.end(reason),
    })
    stream.resume()
    const content = plainBlocks().decode(await arrivals.next())
    if (content === undefined) throw new Error("a hello without padding")
    return new Link(stream, arrivals, decodeServerHello(content), tls.sessionId)
  }

  /** Sends one padded block. */
  send(content: Uint8Array): void {
    this.#stream.write(plainBlocks().encode([content]))
  }

  /** Sends 16384 bytes as they are. */
  sendBlock(block: Uint8Array): void {
    this.#stream.write(block)
  }

  /** Content of the next block. */
  async receive(): Promise<Uint8Array> {
    const content = plainBlocks().decode(await this.#arrivals.next())
    if (content === undefined) throw new Error("a block without padding")
    return content
  }

  /** Resolves when the server closed the connection without a word. */
  async closed(): Promise<void> {
    await this.#arrivals.ended()
  }

  close(): void {
    this.#stream.destroy()
  }
}
