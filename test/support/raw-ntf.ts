import { nativeCrypto } from "@sluice/crypto/native"
import { EMPTY } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import { type NtfSession, ntfClientHandshake } from "@sluice/ntf-client/session"
import { decodeNtfResponses, ntfContents, ntfParams } from "@sluice/ntf-protocol/block"
import type { NtfResponse } from "@sluice/ntf-protocol/responses"
import { NTF_ALPN, NTF_BLOCK_SIZE } from "@sluice/ntf-protocol/versions"
import { type AuthPrivateKey, authorize } from "@sluice/smp-protocol/authorization"
import { authorizedBytes, encodeTransmission, type TransmissionParams } from "@sluice/smp-protocol/transmission"
import { plainBlocks } from "@sluice/transport/block-codec"
import { BlockStream } from "@sluice/transport/block-stream"
import { type ConnectedTls, connectTls } from "@sluice/transport/tls-client"
import { Arrivals } from "./arrivals.ts"

/** A transmission of which every part is chosen. */
export interface RawNtfSending {
  readonly command: Uint8Array
  readonly corrId?: Uint8Array
  readonly entityId?: Uint8Array
  readonly key?: AuthPrivateKey | undefined
  /** In place of one made with `key`. */
  readonly authorization?: Uint8Array
  /** In place of the connection's, where it is sent (v1). */
  readonly sessionId?: Uint8Array
}

/** What came back. */
export interface RawNtfAnswer {
  readonly corrId: Uint8Array
  readonly entityId: Uint8Array
  readonly response: NtfResponse
}

/** TLS to a notification server, without its handshake. */
export function tlsTo({ hosts: [host = ""], port, keyHash }: Server, alpn: readonly string[]): Promise<ConnectedTls> {
  const now = Math.floor(Date.now() / 1000)
  return connectTls({
    ...{ crypto: nativeCrypto, keyHash, host, port: Number(port), now, keepAlive: false, protocols: alpn },
  })
}

/** A client that sends any bytes, and sees every block that comes, in order. */
export class RawNtf {
  readonly session: NtfSession
  readonly #params: TransmissionParams
  readonly #stream: BlockStream
  readonly #codec = plainBlocks(NTF_BLOCK_SIZE)
  readonly #arrivals = new Arrivals<readonly RawNtfAnswer[]>()

  private constructor(stream: BlockStream, session: NtfSession) {
    this.session = session
    this.#stream = stream
    this.#params = ntfParams(session.version, session.sessionId)
    stream.setHandler({
      onBlock: (block) => {
        const content = this.#codec.decode(block) ?? EMPTY
        this.#arrivals.add(
          decodeNtfResponses(content.slice(), this.#params).map((item) => {
            if (!item.ok) throw new Error(`the server sent what can't be read: ${JSON.stringify(item.error)}`)
            return item
          }),
        )
      },
      onClose: (reason) => this.#arrivals.end(`the connection closed: ${reason}`),
    })
    stream.resume()
  }

  static async connect(address: Server, alpn: readonly string[] = [NTF_ALPN]): Promise<RawNtf> {
    const { keyHash } = address
    const tls = await tlsTo(address, alpn)
    const stream = new BlockStream(tls.socket, { blockSize: NTF_BLOCK_SIZE })
    const { sessionId, serverChain } = tls
    const session = await ntfClientHandshake(stream, { crypto: nativeCrypto, keyHash, sessionId, serverChain })
    return new RawNtf(stream, session)
  }

  /** Sends a block with these transmissions. */
  send(...sendings: readonly RawNtfSending[]): void {
    const made = sendings.map((sending) => this.#transmission(sending))
    for (const content of ntfContents(made, this.#params)) this.sendContent(content)
  }

  sendContent(content: Uint8Array): void {
    this.sendBlock(this.#codec.encode([content]))
  }

  sendBlock(block: Uint8Array): void {
    this.#stream.write(block)
  }

  /** The transmissions of the next block. */
  block(): Promise<readonly RawNtfAnswer[]> {
    return this.#arrivals.next()
  }

  /** Sends one transmission; the next block must hold one answer. */
  async ask(sending: RawNtfSending): Promise<RawNtfAnswer> {
    this.send(sending)
    const [answer, ...others] = await this.block()
    if (answer === undefined || others.length > 0) throw new Error("another block than the answer came")
    return answer
  }

  closed(): Promise<string> {
    return this.#arrivals.ended()
  }

  close(): void {
    this.#stream.destroy()
  }

  #transmission(sending: RawNtfSending): Uint8Array {
    const { command, key, corrId = nativeCrypto.randomBytes(24), entityId = EMPTY } = sending
    const { sessionId, serverKey } = this.session
    const signed = authorizedBytes(sessionId, corrId, entityId, command)
    const made = key && authorize(nativeCrypto, key, signed, corrId, serverKey)
    const authorization = sending.authorization ?? made ?? EMPTY
    const params = { ...this.#params, sessionId: sending.sessionId ?? sessionId }
    return encodeTransmission(params, { authorization, corrId, entityId, command })
  }
}
