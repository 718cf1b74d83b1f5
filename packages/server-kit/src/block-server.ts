import type { Socket } from "node:net"
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls"
import type { Timer } from "@sluice/ops/clock"
import type { Credentials } from "@sluice/transport/credentials"
import { serverTlsOptions } from "@sluice/transport/tls"
import { Admission } from "./admission.ts"
import { HandshakeGate } from "./handshake-gate.ts"
import { Incoming } from "./incoming.ts"
import { Listener } from "./listener.ts"
import type { BlockSession } from "./protocol.ts"
import { sourceBehind } from "./proxy-source.ts"
import type { BlockServer, ListenAddress } from "./server.ts"
import type { ServerLevels, Stage } from "./server-metrics.ts"
import type { ServerComponents, ServerOptions, SourceProvider } from "./server-options.ts"
import type { ServerShared } from "./server-shared.ts"
import { Turns } from "./turns.ts"

/** Certificates that may still be needed by handshakes that began with them. */
const CREDENTIALS_KEPT = 4

/** Makes a server; nothing is bound before `start`. */
export function createBlockServer<Params extends BlockSession, Command>(
  options: ServerOptions<Params, Command>,
  components: ServerComponents,
): BlockServer {
  return new TlsBlockServer(options, components)
}

class TlsBlockServer<Params extends BlockSession, Command> implements BlockServer, ServerShared<Params, Command> {
  readonly options: ServerOptions<Params, Command>
  readonly components: ServerComponents
  readonly admission: Admission
  readonly gate: HandshakeGate
  readonly turns: Turns
  readonly source: SourceProvider
  readonly tls: TlsServer
  readonly #listener: Listener
  /** Connections by their addresses, which is how TLS sockets are matched with them. */
  readonly #incoming = new Map<string, Incoming<Params, Command>>()
  #credentials: readonly Credentials[]
  #idleTimer: Timer | undefined
  #stopped: Promise<void> | undefined
  #whenEmpty: (() => void) | undefined

  constructor(options: ServerOptions<Params, Command>, components: ServerComponents) {
    const { settings, credentials, listen: binds } = options
    const { clock, log, metrics, loop } = components
    this.options = options
    this.components = components
    this.admission = new Admission(settings, clock)
    this.gate = new HandshakeGate(settings.maxHandshakes, settings.maxWaitingHandshakes, clock)
    this.turns = new Turns(clock, loop)
    this.source = options.source ?? sourceBehind(settings.balancers)
    this.#credentials = [credentials]
    this.tls = createTlsServer(this.#tlsOptions(credentials))
    this.tls.on("secureConnection", (socket) => this.#find(socket)?.secured(socket))
    this.tls.on("tlsClientError", (error, socket) => this.#find(socket)?.tlsFailed(error))
    const { backlog, keepAlive } = settings
    this.#listener = new Listener(
      { binds, backlog, keepAlive, sharePort: options.sharePort, onSocket: (socket) => this.#accept(socket) },
      { clock, log, acceptErrors: metrics.acceptErrors },
    )
    metrics.levels = () => this.#levels()
  }

  get credentials(): readonly Credentials[] {
    return this.#credentials
  }

  get draining(): boolean {
    return this.#stopped !== undefined
  }

  get addresses(): readonly ListenAddress[] {
    return this.#listener.addresses
  }

  async start(signal?: AbortSignal): Promise<void> {
    try {
      await this.#listener.start(signal)
    } catch (error) {
      await this.stop(AbortSignal.abort())
      throw error
    }
    this.#checkIdle()
  }

  useCredentials(credentials: Credentials): void {
    this.#credentials = [credentials, ...this.#credentials].slice(0, CREDENTIALS_KEPT)
    this.tls.setSecureContext(this.#tlsOptions(credentials))
  }

  async stop(deadline: AbortSignal): Promise<void> {
    const cut = (): void => {
      for (const incoming of [...this.#incoming.values()]) incoming.destroy()
    }
    this.#stopped ??= this.#drain()
    if (deadline.aborted) cut()
    else deadline.addEventListener("abort", cut, { once: true })
    await this.#stopped
    deadline.removeEventListener("abort", cut)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(AbortSignal.abort())
  }

  async #drain(): Promise<void> {
    this.#idleTimer?.cancel()
    const stopped = this.#listener.stop()
    for (const incoming of [...this.#incoming.values()]) incoming.drain()
    if (this.#incoming.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve
      })
    }
    await stopped
  }

  #tlsOptions(credentials: Credentials): ReturnType<typeof serverTlsOptions> {
    const { web, settings, protocol } = this.options
    return serverTlsOptions(credentials, {
      // The connection has a timer of its own that the wait for a place counts against.
      setupTimeoutMs: settings.tlsTimeout,
      ...(protocol.alpn && { protocols: protocol.alpn }),
      ...(web && { web: web.tls }),
    })
  }

  #accept(socket: Socket): void {
    const { accepted, closed } = this.components.metrics
    accepted.value++
    const key = keyOf(socket)
    const incoming = new Incoming(this, socket, () => {
      closed.value++
      if (key !== undefined && this.#incoming.get(key) === incoming) this.#incoming.delete(key)
      if (this.#incoming.size === 0) this.#whenEmpty?.()
    })
    // A peer that is gone again has no address, and nothing to be said to.
    if (key === undefined) {
      incoming.destroy()
      return
    }
    this.#incoming.set(key, incoming)
    incoming.begin()
  }

  #find(socket: TLSSocket): Incoming<Params, Command> | undefined {
    const key = keyOf(socket)
    const incoming = key === undefined ? undefined : this.#incoming.get(key)
    if (incoming === undefined) socket.destroy()
    return incoming
  }

  #checkIdle(): void {
    const { idleTimeout, idleCheckInterval } = this.options.settings
    if (idleTimeout === undefined || this.draining) return
    this.#idleTimer = this.components.clock.setTimeout(
      () => {
        for (const { session } of this.#incoming.values()) session?.endIfIdle(idleTimeout)
        this.#checkIdle()
      },
      idleCheckInterval,
      { background: true },
    )
  }

  #levels(): ServerLevels {
    const connections: Record<Stage, number> = { waiting: 0, tls: 0, handshake: 0, session: 0, web: 0, closing: 0 }
    const levels = { paused: 0, congested: 0, socketBlocks: 0, waitingBatches: 0, receivedBlocks: 0 }
    for (const { stage, session } of this.#incoming.values()) {
      connections[stage]++
      if (session === undefined) continue
      if (session.paused) levels.paused++
      if (session.congested) levels.congested++
      levels.socketBlocks += session.socketBlocks
      levels.waitingBatches += session.waitingBatches
      levels.receivedBlocks += session.receivedBlocks
    }
    return { connections, ...levels }
  }
}

/** The two ends of a connection: no other one of this server has the same at the same time. */
function keyOf(socket: Socket | TLSSocket): string | undefined {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}
