import { connect } from "node:net"
import { nativeCrypto } from "@sluice/crypto/native"
import { EMPTY, equalBytes } from "@sluice/encoding/bytes"
import type { VersionRange } from "@sluice/encoding/version"
import { batchContent, packBatches } from "@sluice/smp-protocol/batch"
import { decodeResponses, type ParsedResponse } from "@sluice/smp-protocol/block"
import type { Command } from "@sluice/smp-protocol/commands"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { type CorrId, type EntityId, ID_LENGTH, type ServiceRole } from "@sluice/smp-protocol/types"
import { BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import type { Credentials } from "@sluice/transport/credentials"
import type { ClientSession } from "@sluice/transport/session"
import { connectTls } from "@sluice/transport/tls-client"
import { Arrivals } from "./arrivals.ts"
import { encodeSending, type Identity, type Sending, type Who } from "./sending.ts"

/** Where a test server is. */
export interface TestAddress {
  readonly host: string
  readonly port: number
  readonly keyHash: Uint8Array
  /** Unix seconds by which certificates are judged. */
  readonly now: number
}

/** How a client connects. */
export interface RawOptions {
  /** The highest version, with 6 as the lowest, or a whole range; default 20. */
  readonly versions?: number | VersionRange
  /** `false`: no ALPN, which makes the server announce version 6 alone. */
  readonly alpn?: false | readonly string[]
  readonly service?: { readonly role: ServiceRole; readonly credentials: Credentials }
  /** `false`: no key in the client's hello, hence neither block encryption nor X25519 session secret. */
  readonly sessionKey?: false
  /** Address that the connection comes from. */
  readonly from?: string
}

/** One received transmission, in a form that tests compare whole blocks with. */
export interface Received {
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly message: BrokerMessage
}

const OLDEST = 6
const NEWEST = 20

export async function connectRaw(address: TestAddress, options: RawOptions = {}): Promise<RawClient> {
  const { versions = NEWEST, alpn, service, from } = options
  const { keyHash, now } = address
  const tls = await connectTls({
    ...{ crypto: nativeCrypto, keyHash, host: address.host, port: address.port, now, keepAlive: false },
    ...(service && { service: service.credentials }),
    ...(alpn !== undefined && { protocols: alpn === false ? [] : alpn }),
    ...(from !== undefined && { socket: connect({ host: address.host, port: address.port, localAddress: from }) }),
  })
  const stream = new BlockStream(tls.socket)
  const session = await clientHandshake(stream, {
    ...{ crypto: nativeCrypto, keyHash, sessionId: tls.sessionId, serverChain: tls.serverChain },
    range: typeof versions === "number" ? { min: OLDEST, max: versions } : versions,
    ...(options.sessionKey === false && { sessionKey: false }),
    // Clients name messaging services from v19 on, servers take them from v16 on.
    ...(service && { service: { ...service, sentInTls: tls.certificateRequested, minVersion: OLDEST } }),
  })
  return new RawClient(stream, session, service?.credentials)
}

/**
 * A client without any memory of what it asked: whoever uses it chooses every transmission and every block, and sees every
 * block that comes, in order. Nothing waits without a time limit, so a missing answer fails the test that expected it.
 */
export class RawClient {
  readonly session: ClientSession
  readonly #stream: BlockStream
  readonly #identity: Identity
  readonly #arrivals = new Arrivals<readonly ParsedResponse[]>()

  constructor(stream: BlockStream, session: ClientSession, service: Credentials | undefined) {
    this.#stream = stream
    this.session = session
    this.#identity = { session, fingerprint: service?.fingerprint }
    stream.setHandler({
      onBlock: (block) => {
        const content = session.blockCodec.decode(block)
        if (content === undefined) this.#arrivals.end("a block that does not decrypt")
        else this.#arrivals.add(decodeResponses(content, session))
      },
      onClose: (reason) => this.#arrivals.end(`the connection closed: ${reason}`),
    })
    stream.resume()
  }

  get version(): number {
    return this.session.version
  }

  /** Id that the server gave to this connection's service. */
  get serviceId(): EntityId {
    const { service } = this.session
    if (service === undefined) throw new Error("a connection without a service")
    return service.serviceId
  }

  /** Sends transmissions, in as few blocks as they fit; returns their correlation ids. */
  send(...sendings: readonly Sending[]): CorrId[] {
    const corrIds = sendings.map(({ corrId }) => corrId ?? newCorrId())
    const transmissions = sendings.map((sending, i) =>
      encodeSending(this.#identity, { ...sending, corrId: corrIds[i] ?? EMPTY }),
    )
    for (const batch of packBatches(transmissions)) {
      if (!batch.fits) throw new Error("a transmission that fits no block")
      this.sendContent(batchContent(batch))
    }
    return corrIds
  }

  /** Sends a block with this content, whatever it is. */
  sendContent(content: Uint8Array): void {
    this.sendBlock(this.session.blockCodec.encode([content]))
  }

  /** Sends 16384 bytes as they are. */
  sendBlock(block: Uint8Array): void {
    this.#stream.write(block)
  }

  /** The next block: its transmissions, those that can't be read included. */
  parsed(): Promise<readonly ParsedResponse[]> {
    return this.#arrivals.next()
  }

  /** The next block, in which every transmission must be readable. */
  async block(): Promise<Received[]> {
    return (await this.parsed()).map((item) => {
      if (!item.ok) throw new Error(`the server sent what can't be read: ${JSON.stringify(item.error)}`)
      const { corrId, entityId, message } = item
      return { corrId, entityId, message }
    })
  }

  /** The next `count` blocks. */
  async blocks(count: number): Promise<Received[][]> {
    const blocks: Received[][] = []
    while (blocks.length < count) blocks.push(await this.block())
    return blocks
  }

  /** Sends one command in a block of its own; the next block must hold its answer and nothing else. */
  async ask(command: Command | Uint8Array, who: Who = {}): Promise<BrokerMessage> {
    const [corrId = EMPTY] = this.send({ command, ...who })
    const block = await this.block()
    const [answer] = block
    if (block.length !== 1 || answer === undefined || !equalBytes(answer.corrId, corrId)) {
      throw new Error(`another block than the answer came: ${summary(block)}`)
    }
    if (!equalBytes(answer.entityId, who.entity ?? EMPTY)) throw new Error("an answer with another entity")
    return answer.message
  }

  /** The next block, which must hold one event and nothing else. */
  async event(): Promise<Received> {
    const block = await this.block()
    const [event] = block
    if (block.length !== 1 || event === undefined || event.corrId.length > 0) {
      throw new Error(`no single event, but: ${summary(block)}`)
    }
    return event
  }

  /** Nothing was sent to this connection that was not taken yet: the answer to a `PING` is the next block. */
  async quiet(): Promise<void> {
    const answer = await this.ask({ tag: "PING" })
    if (answer.tag !== "PONG") throw new Error(`PING was answered with ${answer.tag}`)
  }

  /** Stops reading from the socket, as a slow client does, until {@link resume}. */
  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  /** Resolves with the reason when the server has closed the connection; nothing may have come before. */
  closed(): Promise<string> {
    return this.#arrivals.ended()
  }

  close(): void {
    this.#stream.destroy()
  }
}

/** Tags of a block, for messages of failed tests and for comparing its order. */
export function tagsOf(block: readonly Received[]): string[] {
  return block.map(({ message }) => message.tag)
}

export function newCorrId(): CorrId {
  return nativeCrypto.randomBytes(ID_LENGTH)
}

function summary(block: readonly Received[]): string {
  return block
    .map(({ corrId, message }) => {
      const what = message.tag === "ERR" ? `ERR ${JSON.stringify(message.error)}` : message.tag
      return corrId.length === 0 ? `event ${what}` : what
    })
    .join(", ")
}
