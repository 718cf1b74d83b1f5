import { createServer as createTcpServer, type Socket, type Server as TcpServer } from "node:net"
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from "node:tls"
import { formatBind } from "@sluice/ops/bind"
import type { Timer } from "@sluice/ops/clock"
import { OperatorError } from "@sluice/ops/operator-error"
import type { Credentials } from "@sluice/transport/credentials"
import { serverTlsOptions } from "@sluice/transport/tls"
import { Admission, sourceOf } from "./admission.ts"
import { HandshakeGate } from "./handshake-gate.ts"
import { Incoming } from "./incoming.ts"
import type { LiveSession } from "./live-session.ts"
import type { BlockSession } from "./protocol.ts"
import type { BlockServer, ListenAddress } from "./server.ts"
import type { ServerLevels, Stage } from "./server-metrics.ts"
import type { ServerComponents, ServerOptions } from "./server-options.ts"
import type { ServerShared } from "./server-shared.ts"

/** TCP keep-alive probes after the first: their distance; the system's count of about four ends the connection. */
const KEEP_ALIVE_INTERVAL = 30_000

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
  readonly tls: TlsServer
  readonly #listeners: TcpServer[] = []
  /** Connections by their addresses, which is how TLS sockets are matched with them. */
  readonly #incoming = new Map<string, Incoming<Params, Command>>()
  #credentials: Credentials[]
  #idleTimer: Timer | undefined
  #stopped: Promise<void> | undefined
  #whenEmpty: (() => void) | undefined

  constructor(options: ServerOptions<Params, Command>, components: ServerComponents) {
    const { settings, credentials } = options
    this.options = options
    this.components = components
    this.admission = new Admission(settings, components.clock)
    this.gate = new HandshakeGate(settings.maxHandshakes, settings.maxWaitingHandshakes)
    this.#credentials = [credentials]
    this.tls = createTlsServer(this.#tlsOptions(credentials))
    this.tls.on("secureConnection", (socket) => this.#find(socket)?.secured(socket))
    this.tls.on("tlsClientError", (error, socket) => this.#find(socket)?.tlsFailed(error))
    components.metrics.levels = () => this.#levels()
  }

  get credentials(): readonly Credentials[] {
    return this.#credentials
  }

  get draining(): boolean {
    return this.#stopped !== undefined
  }

  get addresses(): readonly ListenAddress[] {
    return this.#listeners.filter(({ listening }) => listening).map(addressOf)
  }

  async start(signal?: AbortSignal): Promise<void> {
    try {
      for (const bind of this.options.listen) {
        signal?.throwIfAborted()
        this.#listeners.push(await this.#listen(bind))
      }
    } catch (error) {
      await this.stop(AbortSignal.abort())
      throw error
    }
    this.#checkIdle()
  }

  useCredentials(credentials: Credentials): void {
    this.#credentials = [credentials, ...this.#credentials.slice(0, 1)]
    this.tls.setSecureContext(this.#tlsOptions(credentials))
  }

  stop(deadline: AbortSignal): Promise<void> {
    this.#stopped ??= this.#stop(deadline)
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(AbortSignal.abort())
  }

  async #stop(deadline: AbortSignal): Promise<void> {
    this.#idleTimer?.cancel()
    const closed = this.#listeners.map((listener) => new Promise((resolve) => listener.close(resolve)))
    for (const incoming of this.#incoming.values()) incoming.drain()
    const cut = (): void => {
      for (const incoming of [...this.#incoming.values()]) incoming.destroy()
    }
    if (deadline.aborted) cut()
    else deadline.addEventListener("abort", cut, { once: true })
    if (this.#incoming.size > 0) {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve
      })
    }
    deadline.removeEventListener("abort", cut)
    await Promise.all(closed)
  }

  #tlsOptions(credentials: Credentials): ReturnType<typeof serverTlsOptions> {
    const { web, settings } = this.options
    return serverTlsOptions(credentials, {
      // The connection has a timer of its own that the wait for a place counts against.
      setupTimeoutMs: settings.tlsTimeout,
      ...(web && { web: web.tls }),
    })
  }

  #listen(bind: ServerOptions<Params, Command>["listen"][number]): Promise<TcpServer> {
    const { backlog, keepAlive } = this.options.settings
    const server = createTcpServer({
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: keepAlive !== undefined,
      keepAliveInitialDelay: keepAlive ?? 0,
    })
    server.on("connection", (socket) => this.#accept(socket))
    return new Promise((resolve, reject) => {
      server.once("error", (error) => {
        const code = "code" in error ? String(error.code) : "unknown error"
        reject(new OperatorError(`cannot listen on ${formatBind(bind)} (${code})`, { cause: error }))
      })
      server.listen({ host: bind.host, port: bind.port, backlog }, () => {
        server.removeAllListeners("error")
        // For want of file descriptors, for example: those who are connected are served on, and others can try again.
        server.on("error", (error) => {
          this.components.metrics.acceptErrors.value++
          this.components.log.error("a connection could not be accepted", { error })
        })
        resolve(server)
      })
    })
  }

  #accept(socket: Socket): void {
    this.components.metrics.accepted.value++
    const key = keyOf(socket)
    const incoming = new Incoming(this, socket, () => {
      this.components.metrics.closed.value++
      if (key !== undefined && this.#incoming.get(key) === incoming) this.#incoming.delete(key)
      if (this.#incoming.size === 0) this.#whenEmpty?.()
    })
    if (this.draining) {
      incoming.refuse("draining")
      return
    }
    // A peer that is gone again has no address, and nothing to be said to.
    if (key === undefined) {
      incoming.destroy()
      return
    }
    const { keepAlive } = this.options.settings
    if (keepAlive !== undefined) socket.setKeepAlive(true, keepAlive, KEEP_ALIVE_INTERVAL)
    this.#incoming.set(key, incoming)
    const { source = defaultSource } = this.options
    incoming.begin(source)
  }

  #find(socket: TLSSocket): Incoming<Params, Command> | undefined {
    const key = keyOf(socket)
    const incoming = key === undefined ? undefined : this.#incoming.get(key)
    if (incoming === undefined) socket.destroy()
    return incoming
  }

  #sessions(): LiveSession<Params, Command>[] {
    const sessions: LiveSession<Params, Command>[] = []
    for (const { session } of this.#incoming.values()) if (session !== undefined) sessions.push(session)
    return sessions
  }

  #checkIdle(): void {
    const { idleTimeout, idleCheckInterval } = this.options.settings
    if (idleTimeout === undefined || this.draining) return
    this.#idleTimer = this.components.clock.setTimeout(
      () => {
        for (const session of this.#sessions()) session.endIfIdle(idleTimeout)
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

function defaultSource(socket: Socket): string | undefined {
  return sourceOf(socket.remoteAddress)
}

/** The two ends of a connection: no other one of this server has the same at the same time. */
function keyOf(socket: Socket | TLSSocket): string | undefined {
  const { remoteAddress, remotePort, localPort } = socket
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localPort}`
}

function addressOf(server: TcpServer): ListenAddress {
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("a listener without an address")
  return { host: address.address, port: address.port }
}
