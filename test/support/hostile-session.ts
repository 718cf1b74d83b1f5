import type { Duplex } from "node:stream"
import type { KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { equalBytes } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeResponses, type ParsedResponse } from "@sluice/smp-protocol/block"
import { encodeOutgoing, type OutgoingCommand, type Signer } from "@sluice/smp-protocol/outgoing"
import { ID_LENGTH, NO_ENTITY, type ServiceRole } from "@sluice/smp-protocol/types"
import { BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import { type Credentials, serviceCredentials } from "@sluice/transport/credentials"
import { createCa, createLeaf } from "@sluice/transport/identity"
import type { ClientSession } from "@sluice/transport/session"
import { connectTls } from "@sluice/transport/tls-client"

/** How a session begins. */
export interface SessionChoice {
  /** The only version that the client offers; default 20. */
  readonly version?: number
  /** Offer ALPN; without it the server speaks v6 only. Default true. */
  readonly alpn?: boolean
  /** Connect as a service of this role, which has certificates of its own. */
  readonly service?: ServiceRole | undefined
}

/** One service for each role: a server remembers the role of a certificate. */
const SERVICES: Readonly<Record<ServiceRole, Credentials>> = { M: newService(), N: newService(), P: newService() }

function newService(): Credentials {
  const request = { host: "localhost", now: Math.floor(Date.now() / 1000) }
  const ca = createCa(c, request)
  const leaf = createLeaf(c, ca, request)
  return serviceCredentials(c, [leaf.certificate, ca.certificate], leaf.key.privateKey)
}

/** A client after an honest handshake, that then sends whatever it likes. */
export class HostileSession {
  readonly stream: BlockStream
  readonly session: ClientSession
  readonly signer: Signer
  readonly #socket: Duplex
  #received: ParsedResponse[] = []
  #wake: (() => void) | undefined
  closed = false

  private constructor(socket: Duplex, stream: BlockStream, session: ClientSession, signer: Signer) {
    this.#socket = socket
    this.stream = stream
    this.session = session
    this.signer = signer
    stream.setHandler({
      onBlock: (block) => {
        const content = session.blockCodec.decode(block)
        if (content === undefined) throw new Error("the server sent a block that does not decrypt")
        this.#received.push(...decodeResponses(content, session))
        this.#wake?.()
      },
      onClose: () => {
        this.closed = true
        this.#wake?.()
      },
    })
    stream.resume()
  }

  static async open(address: ServerAddress, choice: SessionChoice = {}): Promise<HostileSession> {
    const { version = 20, alpn = true, service: role } = choice
    const credentials = role && SERVICES[role]
    const { keyHash, hosts, port } = address
    const tls = await connectTls({
      crypto: c,
      keyHash,
      host: hosts[0] ?? "",
      port: Number(port),
      now: Math.floor(Date.now() / 1000),
      service: credentials,
      ...(!alpn && { protocols: [] }),
    })
    const stream = new BlockStream(tls.socket)
    const session = await clientHandshake(stream, {
      crypto: c,
      keyHash,
      sessionId: tls.sessionId,
      serverChain: tls.serverChain,
      range: alpn ? { min: version, max: version } : { min: 6, max: 6 },
      ...(role && credentials && { service: { role, credentials, sentInTls: true } }),
    })
    const { serverKey, service } = session
    const signing = service && credentials && { fingerprint: credentials.fingerprint, sessionKey: service.sessionKey }
    return new HostileSession(tls.socket, stream, session, { crypto: c, serverKey, service: signing })
  }

  /** Sends bytes in place of a block, or a part of one. */
  raw(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Sends a block of the session with this content. */
  content(content: Uint8Array): void {
    this.stream.write(this.session.blockCodec.encode([content]))
  }

  /** A transmission as an honest client makes it. */
  transmission(command: OutgoingCommand): Uint8Array {
    return encodeOutgoing(this.signer, this.session, command)
  }

  /** Everything that the server sends until it answers a `PING` that is sent now. Throws when it closes instead. */
  async responses(): Promise<readonly ParsedResponse[]> {
    const corrId = c.randomBytes(ID_LENGTH)
    const ping = this.transmission({ corrId, entityId: NO_ENTITY, command: { tag: "PING" } })
    this.content(singleContent(ping))
    for (;;) {
      const at = this.#received.findIndex((response) => equalBytes(response.corrId, corrId))
      if (at >= 0) {
        const before = this.#received.slice(0, at)
        this.#received = this.#received.slice(at + 1)
        return before
      }
      if (this.closed) throw new Error("the server closed the connection")
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Closes without a word; resolves when the connection is gone on this side. */
  async close(): Promise<void> {
    this.stream.destroy()
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/** A queue that a hostile client made for itself. */
export interface OwnQueue {
  readonly recipientId: Uint8Array
  readonly senderId: Uint8Array
  readonly keys: KeyPair<"ed25519">
}

/** Makes a queue without a sender key, subscribed. */
export async function ownQueue(session: HostileSession): Promise<OwnQueue> {
  const keys = c.generateKeyPair("ed25519")
  const corrId = c.randomBytes(ID_LENGTH)
  const command = {
    tag: "NEW",
    recipientKey: keys.publicKey,
    dhKey: c.generateKeyPair("x25519").publicKey,
    subscription: "subscribe",
    queueData: { mode: "messaging" },
  } as const
  const transmission = session.transmission({ corrId, entityId: NO_ENTITY, command, key: keys.privateKey })
  session.content(singleContent(transmission))
  for (const response of await session.responses()) {
    if (response.ok && response.message.tag === "IDS") {
      const { recipientId, senderId } = response.message
      return { recipientId: recipientId.slice(), senderId: senderId.slice(), keys }
    }
  }
  throw new Error("no queue")
}
