import type { CryptoBackend } from "@sluice/crypto/backend"
import type { X25519Key } from "@sluice/crypto/keys"
import type { Server } from "@sluice/encoding/server-address"
import { decodeResponses, type ParsedResponse, type ReceivedMessage, type Rejected } from "@sluice/smp-protocol/block"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { BlockHandler, BlockStream } from "@sluice/transport/block-stream"
import type { CloseReason } from "@sluice/transport/errors"
import type { ClientSession } from "@sluice/transport/session"
import { batchWriter } from "./batch-writer.ts"
import { SmpClientError } from "./client-error.ts"
import type { Clock } from "./clock.ts"
import { COMMAND_TIMEOUT_MS, CommandFlow, type FlowOptions, type PendingCommand, type Started } from "./command-flow.ts"
import { EventHub } from "./event-hub.ts"
import { type ConnectionEvent, closeReason, eventOf } from "./events.ts"
import { KeepAlive, type KeepAliveOptions } from "./keep-alive.ts"
import { OrderedDelivery } from "./ordered-delivery.ts"
import { Outbox } from "./outbox.ts"
import { openRelay, type ProxiedRelay, type RelayOptions } from "./proxied-relay.ts"
import type { CallOptions, Request } from "./request.ts"
import { type EncodingSession, encodeRequest } from "./request-encoder.ts"
import { SmpCommands } from "./smp-commands.ts"

/** Settings of a connection after its handshake. */
export interface ConnectionOptions extends FlowOptions {
  readonly keepAlive?: KeepAliveOptions | undefined
  /** Time that a proxy is given to connect to a relay, on top of the time for the command, ms; default 45000. */
  readonly relayConnectMs?: number | undefined
}

/** What a connection is made from. */
export interface ConnectionParts {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly server: Server
  readonly password: string | undefined
  /** Paused and without a handler, as the handshake leaves it. */
  readonly stream: BlockStream
  readonly session: ClientSession
  /** SHA-256 of the identity certificate, if the session is one of a service. */
  readonly serviceFingerprint: Uint8Array | undefined
}

/** Commands after which silence is suspicious (transport.md §2.6). */
const SUBSCRIPTIONS: ReadonlySet<string> = new Set(["SUB", "NSUB", "SUBS", "NSUBS"])

/** One connection to a server, from the end of the handshake until it closes; made by `connect`. */
export class SmpConnection extends SmpCommands implements AsyncDisposable {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly password: string | undefined
  readonly server: Server
  readonly session: ClientSession
  /**
   * What the server sends without being asked. A listener that is added in the same turn in which a call resolved
   * misses nothing that came behind its answer.
   */
  readonly events: EventHub<ConnectionEvent> = new EventHub<ConnectionEvent>("closed", closeReason)
  readonly #encoding: EncodingSession
  readonly #stream: BlockStream
  readonly #flow: CommandFlow
  readonly #outbox: Outbox
  readonly #delivery = new OrderedDelivery()
  readonly #keepAlive: KeepAlive
  /** What a proxy answers, it has to ask a relay for. */
  readonly #relayTimeouts: { readonly [tag: string]: number }
  #closed: SmpClientError | undefined

  constructor(parts: ConnectionParts, options: ConnectionOptions = {}) {
    super()
    const { crypto, clock, session, stream, serviceFingerprint: fingerprint } = parts
    const { commandTimeoutMs: commandMs = COMMAND_TIMEOUT_MS, relayConnectMs = 45_000 } = options
    this.crypto = crypto
    this.clock = clock
    this.password = parts.password
    this.server = parts.server
    this.session = session
    this.#stream = stream
    const { service } = session
    this.#encoding = {
      signer: {
        crypto,
        serverKey: session.serverKey,
        service: service && fingerprint && { fingerprint, sessionKey: service.sessionKey },
      },
      params: session,
      serviceId: service?.serviceId,
    }
    this.#outbox = new Outbox(batchWriter(stream, session.blockCodec))
    this.#keepAlive = new KeepAlive(options.keepAlive ?? {}, clock, {
      ping: () => this.#ping(),
      drop: () => this.#fail(new SmpClientError({ code: "LOST" })),
    })
    this.#relayTimeouts = { PRXY: commandMs + relayConnectMs, PFWD: 2 * commandMs }
    this.#flow = new CommandFlow(options, clock, () => this.#keepAlive.timedOut())
    stream.setHandler(this.#handler())
    stream.resume()
  }

  /** Whether commands can still be sent. */
  get open(): boolean {
    return this.#closed === undefined
  }

  /** Commands without an answer yet, and commands that wait to be sent. */
  get load(): { readonly inFlight: number; readonly queued: number } {
    return { inFlight: this.#flow.inFlight, queued: this.#flow.queued }
  }

  override serverKey(): Promise<X25519Key | undefined> {
    return Promise.resolve(this.session.serverKey)
  }

  override send(requests: readonly Request[], call: CallOptions = {}): Promise<BrokerMessage>[] {
    return requests.map((request) => {
      const { tag } = request.command
      const timeoutMs = call.timeoutMs ?? this.#relayTimeouts[tag]
      const limited = timeoutMs === call.timeoutMs ? call : { ...call, timeoutMs }
      return this.#flow.submit(tag, () => this.#start(request), limited)
    })
  }

  /** Reads no more until {@link resume}, which lets the server wait: for who cannot keep up with its events. */
  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  /** `PRXY`: uses this server as a proxy to a relay (v8). */
  openRelay(server: Server, options?: RelayOptions, call?: CallOptions): Promise<ProxiedRelay> {
    return openRelay(this, server, options, call)
  }

  /** Sends what is waiting, rejects what is unanswered, and closes. Resolves once the connection is gone. */
  async close(): Promise<void> {
    const closed = this.#closed === undefined ? this.events.once("closed") : undefined
    this.#outbox.flush()
    this.#finish(new SmpClientError({ code: "CLOSED" }))
    this.#stream.end()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #start(request: Request): Started {
    const { corrId, entityId, transmission } = encodeRequest(this.#encoding, request)
    if (SUBSCRIPTIONS.has(request.command.tag)) this.#keepAlive.enablePings()
    return { corrId, entityId, cancel: this.#outbox.add(transmission) }
  }

  #handler(): BlockHandler {
    return {
      onBlock: (block) => this.#onBlock(block),
      onDrain: () => this.#outbox.drained(),
      onClose: (reason, error) => this.#onClose(reason, error),
    }
  }

  #onBlock(block: Uint8Array): void {
    this.#keepAlive.received()
    const content = this.session.blockCodec.decode(block)
    if (content === undefined) this.#emit({ type: "unreadable", error: { type: "BLOCK" } })
    else for (const response of decodeResponses(content, this.session)) this.#onResponse(response)
  }

  /** Events have no correlation id; everything else is looked up by it (transport.md §5.1). */
  #onResponse(response: ParsedResponse): void {
    const { corrId, entityId } = response
    const match = corrId.length === 0 ? undefined : this.#flow.match(corrId, entityId)
    switch (match?.kind) {
      case undefined:
        this.#emit(response.ok ? eventOf(response.message, entityId) : unreadable(response))
        break
      case "answer":
        this.#settle(match.command, response)
        break
      case "other-entity": {
        const answer = response.ok ? response.message.tag : "unreadable"
        const error = new SmpClientError({ code: "UNEXPECTED", command: match.command.tag, answer })
        this.#delivery.response(() => match.command.reject(error))
        break
      }
      case "late":
        this.#emit(response.ok ? lateEvent(match.command.tag, response) : unreadable(response))
        break
      case "unknown":
        this.#emit(
          response.ok ? { type: "unexpected", corrId, entityId, answer: response.message.tag } : unreadable(response),
        )
    }
  }

  #settle(command: PendingCommand, response: ParsedResponse): void {
    if (!response.ok) {
      const error = new SmpClientError({ code: "UNPARSABLE", command: command.tag })
      this.#delivery.response(() => command.reject(error))
      return
    }
    const { message, entityId } = response
    this.#delivery.response(() => command.resolve(message))
    // Tolerated in place of the confirmation (smp.md §4.2): whoever subscribed waits for the event.
    if (command.tag === "SUB" && message.tag === "MSG") this.#emit(eventOf(message, entityId))
  }

  #emit(event: ConnectionEvent): void {
    this.#delivery.event(() => this.events.emit(event))
  }

  #ping(): void {
    // A ping that fails has been counted as a time-out, or the connection is gone.
    for (const pong of this.send([{ command: { tag: "PING" } }])) pong.catch(() => undefined)
  }

  #onClose(reason: CloseReason, cause: Error | undefined): void {
    const lost = new SmpClientError({ code: "LOST" }, { cause: cause ?? new Error(`connection ${reason}`) })
    const error = this.#finish(lost)
    this.#emit({ type: "closed", error })
  }

  #fail(error: SmpClientError): void {
    this.#finish(error)
    this.#stream.destroy()
  }

  /** Rejects all commands, those to come included. Gives the first reason there was. */
  #finish(error: SmpClientError): SmpClientError {
    this.#closed ??= error
    this.#keepAlive.stop()
    this.#flow.end(this.#closed)
    return this.#closed
  }
}

function unreadable({ error }: Rejected): ConnectionEvent {
  return { type: "unreadable", error }
}

/** A message stays a message, however late: nothing else tells that it waits to be acknowledged. */
function lateEvent(command: string, { message, entityId }: ReceivedMessage): ConnectionEvent {
  if (message.tag === "MSG") return eventOf(message, entityId)
  return { type: "late-answer", command, entityId, answer: message }
}
