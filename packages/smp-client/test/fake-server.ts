import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer, type TLSSocket, type Server as TlsServer } from "node:tls"
import type { CryptoBackend } from "@sluice/crypto/backend"
import type { AuthKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import type { ServerAddress } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import { verifyAuthorization } from "@sluice/smp-protocol/authorization"
import { batchTransmissions } from "@sluice/smp-protocol/batch"
import { decodeBlock, type ParsedTransmission, type ReceivedCommand } from "@sluice/smp-protocol/block"
import { SessionBoxKeys } from "@sluice/smp-protocol/box-key-cache"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { encodeResponse } from "@sluice/smp-protocol/transmission"
import { type EntityId, NO_CORR_ID, NO_ENTITY } from "@sluice/smp-protocol/types"
import { SERVER_RANGE } from "@sluice/smp-protocol/versions"
import { BlockStream } from "@sluice/transport/block-stream"
import { type Credentials, serverCredentials } from "@sluice/transport/credentials"
import { createCa, createLeaf } from "@sluice/transport/identity"
import { announcedRange } from "@sluice/transport/negotiation"
import { type ServerHandshakeOptions, type ServiceLookup, serverHandshake } from "@sluice/transport/server-handshake"
import type { ServerSession } from "@sluice/transport/session"
import { serverTlsOptions } from "@sluice/transport/tls"
import { acceptTls } from "@sluice/transport/tls-connection"

/** A message of the server with its ids. */
export interface Reply {
  readonly corrId: Uint8Array
  readonly entityId: EntityId
  readonly message: BrokerMessage
}

/** What the server answers a command with, in the same batch; ids other than the command's are given as `Reply`. */
export type Answers = readonly (BrokerMessage | Reply)[] | BrokerMessage | undefined

export interface FakeServerOptions {
  readonly range?: VersionRange
  readonly credentials?: Credentials
  /** Answers commands; without it they are only kept. */
  readonly respond?: (command: ReceivedCommand, connection: FakeConnection) => Answers
  readonly lookUpService?: ServiceLookup
  /** Changes what goes into the handshake, to make a server that lies. */
  readonly handshake?: (options: ServerHandshakeOptions) => ServerHandshakeOptions
}

/** New credentials of a server: an offline CA and a leaf. */
export function newCredentials(c: CryptoBackend = nativeCrypto): Credentials {
  const request = { host: "localhost", now: Math.floor(Date.now() / 1000) }
  const ca = createCa(c, request)
  const leaf = createLeaf(c, ca, request)
  return serverCredentials(c, [leaf.certificate, ca.certificate], leaf.key.privateKey)
}

/** Credentials that tests share where they do not matter. */
export const CREDENTIALS: Credentials = newCredentials()

/** One connection, seen from the server. */
export class FakeConnection {
  readonly stream: BlockStream
  readonly session: ServerSession
  /** Everything received, block by block. */
  readonly blocks: ParsedTransmission[][] = []
  closed = false
  #waiting: (() => void)[] = []

  constructor(stream: BlockStream, session: ServerSession, respond: FakeServerOptions["respond"]) {
    this.stream = stream
    this.session = session
    stream.setHandler({
      onBlock: (block) => {
        const content = session.blockCodec.decode(block)
        if (content === undefined) throw new Error("a client sent a block that does not decrypt")
        const parsed = decodeBlock(content, session)
        this.blocks.push(parsed)
        if (respond !== undefined) this.#answer(parsed, respond)
        this.#wake()
      },
      onClose: () => {
        this.closed = true
        this.#wake()
      },
    })
    stream.resume()
  }

  /** All good commands so far. */
  get commands(): ReceivedCommand[] {
    return this.blocks.flat().filter((parsed) => parsed.ok)
  }

  /** Waits until `condition` holds, looking again after each block and at the end. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** The command with this number, once it is there. */
  async command(index = 0): Promise<ReceivedCommand> {
    await this.until(() => this.commands.length > index)
    return this.commands[index] as ReceivedCommand
  }

  /** Whether a command was authorized with this key. */
  verifies(command: ReceivedCommand, key: AuthKey): boolean {
    const { sessionKey, service } = this.session
    if (sessionKey === undefined) throw new Error("no session key")
    const verifier = { crypto: nativeCrypto, sessionKey: sessionKey.privateKey, boxKeys: new SessionBoxKeys(10) }
    const coSigned = service !== undefined && command.serviceSignature !== undefined
    const message = coSigned ? command.signed.withFingerprint(service.fingerprint) : command.signed.bytes()
    return verifyAuthorization(verifier, [key], command.authorization, message, command.corrId)
  }

  /** Answers a command in a block of its own. */
  reply(command: ReceivedCommand, ...messages: readonly BrokerMessage[]): void {
    this.sendAll(messages.map((message) => replyTo(command, message)))
  }

  /** Sends an event. */
  event(entityId: EntityId, message: BrokerMessage): void {
    this.sendAll([{ corrId: NO_CORR_ID, entityId, message }])
  }

  /** Sends messages in as few blocks as fit. */
  sendAll(replies: readonly Reply[]): void {
    const transmissions = replies.map(({ corrId, entityId, message }) =>
      encodeResponse(this.session, corrId, entityId, message),
    )
    for (const block of batchTransmissions(transmissions)) {
      if (!block.fits) throw new Error("a reply does not fit")
      this.content(block.content)
    }
  }

  /** Sends a block with this content, whatever it is. */
  content(content: Uint8Array): void {
    this.stream.write(this.session.blockCodec.encode([content]))
  }

  #answer(parsed: readonly ParsedTransmission[], respond: NonNullable<FakeServerOptions["respond"]>): void {
    const replies: Reply[] = []
    for (const command of parsed) {
      if (!command.ok) throw new Error(`a client sent what is answered by ${command.error.type}`)
      const answers = respond(command, this)
      const list = answers === undefined ? [] : "tag" in answers ? [answers] : answers
      for (const answer of list) replies.push("tag" in answer ? replyTo(command, answer) : answer)
    }
    if (replies.length > 0) this.sendAll(replies)
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

/** Messages without an entity, whatever the entity of their command. */
const WITHOUT_ENTITY: ReadonlySet<string> = new Set(["IDS", "PONG", "PKEY", "RRES", "RNAME"])

export function replyTo(command: ReceivedCommand, message: BrokerMessage): Reply {
  const entityId = WITHOUT_ENTITY.has(message.tag) ? NO_ENTITY : command.entityId
  return { corrId: command.corrId, entityId, message }
}

/** A server on a loopback port that does what its test says. */
export class FakeServer implements AsyncDisposable {
  readonly address: ServerAddress
  readonly connections: FakeConnection[] = []
  readonly #server: TlsServer
  readonly #sockets = new Set<TLSSocket>()
  #waiting: (() => void)[] = []

  private constructor(server: TlsServer, options: FakeServerOptions) {
    const { credentials = CREDENTIALS } = options
    this.#server = server
    const { port } = server.address() as AddressInfo
    this.address = { scheme: "smp", keyHash: credentials.fingerprint, hosts: ["127.0.0.1"], port: String(port) }
    server.on("secureConnection", (socket) => {
      this.#sockets.add(socket)
      socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket))
      // A handshake that fails is what some tests are about: the client sees it.
      this.#accept(socket, options).catch(() => socket.destroy())
    })
    server.on("tlsClientError", () => undefined)
  }

  static async start(options: FakeServerOptions = {}, port = 0): Promise<FakeServer> {
    const server = createServer(serverTlsOptions(options.credentials ?? CREDENTIALS))
    server.listen(port, "127.0.0.1")
    await once(server, "listening")
    return new FakeServer(server, options)
  }

  /** The connection with this number, once it is there. */
  async connection(index = 0): Promise<FakeConnection> {
    for (;;) {
      const connection = this.connections[index]
      if (connection !== undefined) return connection
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Breaks all connections. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.drop()
    const closed = once(this.#server, "close")
    this.#server.close()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #accept(socket: TLSSocket, options: FakeServerOptions): Promise<void> {
    const { credentials = CREDENTIALS, range = SERVER_RANGE, respond, lookUpService, handshake } = options
    const crypto = nativeCrypto
    const tls = acceptTls(socket, { crypto, now: Math.floor(Date.now() / 1000) })
    const stream = new BlockStream(socket)
    const parts: ServerHandshakeOptions = {
      crypto,
      credentials,
      sessionId: tls.sessionId,
      range: announcedRange(range, tls.alpn),
      clientChain: tls.clientChain,
      ...(lookUpService && { lookUpService }),
    }
    const session = await serverHandshake(stream, handshake?.(parts) ?? parts)
    this.connections.push(new FakeConnection(stream, session, respond))
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
