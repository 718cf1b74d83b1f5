import type { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import type { Timer } from "@sluice/ops/clock"
import { BlockStream } from "@sluice/transport/block-stream"
import { TransportError } from "@sluice/transport/errors"
import { acceptTls, credentialsInUse, isWebClient } from "@sluice/transport/tls-connection"
import { handshakeFailureOf } from "./handshake-failure.ts"
import { LiveSession } from "./live-session.ts"
import type { BlockSession } from "./protocol.ts"
import type { Refusal, Stage, TlsFailure } from "./server-metrics.ts"
import type { SourceProvider } from "./server-options.ts"
import type { ServerShared } from "./server-shared.ts"

/**
 * One accepted connection, from the first look at its source to the closing of its socket: waits for a place among the
 * handshakes, sets up TLS, runs the protocol's handshake and then is a session. Failures on the way close it silently.
 */
export class Incoming<Params extends BlockSession, Command> {
  readonly #server: ServerShared<Params, Command>
  readonly #raw: Socket
  readonly #onClosed: () => void
  readonly #acceptedAt: number
  #stage: Stage = "waiting"
  #session: LiveSession<Params, Command> | undefined
  #timer: Timer | undefined
  #leaveGate: (() => void) | undefined
  #secured = false
  #failed = false

  constructor(server: ServerShared<Params, Command>, raw: Socket, onClosed: () => void) {
    this.#server = server
    this.#raw = raw
    this.#onClosed = onClosed
    this.#acceptedAt = server.components.clock.monotonic()
    // What fails on the socket is seen by its closing.
    raw.on("error", ignore)
    raw.once("close", () => this.#closed())
  }

  get stage(): Stage {
    return this.#stage
  }

  get session(): LiveSession<Params, Command> | undefined {
    return this.#session
  }

  /** Finds the source, passes the limits and waits for a place. */
  begin(source: SourceProvider): void {
    const { clock } = this.#server.components
    const { tlsTimeout } = this.#server.options.settings
    this.#timer = clock.setTimeout(() => this.#failTls("timeout"), tlsTimeout, { background: true })
    const found = source(this.#raw)
    if (found instanceof Promise) found.then((address) => this.#admit(address)).catch(() => this.#failTls("source"))
    else this.#admit(found)
  }

  /** Closes it because of a limit. */
  refuse(refusal: Refusal): void {
    this.#server.components.metrics.refused[refusal].value++
    this.#failed = true
    this.destroy()
  }

  /** The server is stopping: a session finishes what it read, anything earlier is cut. */
  drain(): void {
    if (this.#session !== undefined) this.#session.drain()
    else if (this.#stage === "handshake") this.#failHandshake("draining")
    else if (this.#stage !== "web") this.#failTls("draining")
  }

  destroy(): void {
    this.#session?.destroy("drained")
    this.#raw.destroy()
  }

  /** TLS is set up. */
  secured(socket: TLSSocket): void {
    const { options, components, credentials, draining } = this.#server
    const { clock, crypto, metrics } = components
    this.#secured = true
    socket.on("error", ignore)
    this.#timer?.cancel()
    if (draining) {
      this.#failTls("draining")
      return
    }
    metrics.tlsSeconds.observe((clock.monotonic() - this.#acceptedAt) / 1000)
    if (options.web !== undefined && isWebClient(socket)) {
      this.#stage = "web"
      this.#leaveGate?.()
      options.web.accept(socket)
      return
    }
    this.#stage = "handshake"
    try {
      const own = credentialsInUse(socket, credentials) ?? options.credentials
      const tls = acceptTls(socket, { crypto, now: Math.floor(clock.now() / 1000) })
      this.#handshake(socket, { credentials: own, tls, timeoutMs: options.settings.handshakeTimeout })
    } catch (error) {
      if (!(error instanceof TransportError)) components.log.error("a connection could not be taken over", { error })
      this.#failTls("certificate")
    }
  }

  tlsFailed(error: Error): void {
    const code = "code" in error ? String(error.code) : ""
    this.#failTls(code === "ERR_TLS_HANDSHAKE_TIMEOUT" ? "timeout" : code === "ECONNRESET" ? "closed" : "alert")
  }

  #admit(source: string | undefined): void {
    if (this.#raw.destroyed || this.#failed) return
    const refusal = this.#server.admission.admit(source)
    if (refusal !== undefined) {
      this.refuse(refusal)
      return
    }
    this.#raw.once("close", () => this.#server.admission.leave(source))
    const leave = this.#server.gate.enter(() => this.#startTls())
    if (leave === undefined) {
      this.refuse("waiting_handshakes")
      return
    }
    this.#leaveGate = leave
  }

  #startTls(): void {
    if (this.#raw.destroyed || this.#failed) return
    this.#stage = "tls"
    this.#server.tls.emit("connection", this.#raw)
  }

  #handshake(
    socket: TLSSocket,
    link: Parameters<ServerShared<Params, Command>["options"]["protocol"]["handshake"]>[1],
  ): void {
    const { options, components } = this.#server
    const { protocol, settings } = options
    const { clock, metrics, log } = components
    const begun = clock.monotonic()
    const stream = new BlockStream(socket, { blockSize: protocol.blockSize, highWaterBlocks: settings.maxSocketBlocks })
    protocol.handshake(stream, link).then(
      (params) => {
        this.#leaveGate?.()
        if (this.#failed || socket.destroyed) return
        metrics.handshakeSeconds.observe((clock.monotonic() - begun) / 1000)
        this.#startSession(stream, params)
      },
      (error: unknown) => {
        const failure = handshakeFailureOf(error)
        if (failure === "defect") log.error("a handshake failed, which is a defect of this program", { error })
        this.#failHandshake(failure)
      },
    )
  }

  #startSession(stream: BlockStream, params: Params): void {
    const { options, components, draining } = this.#server
    const { protocol, sessions, settings } = options
    components.metrics.sessionsOpened.value++
    this.#stage = "session"
    this.#session = new LiveSession({
      ...{ stream, params, protocol, sessions, settings },
      ...components,
      onEnd: () => {
        this.#stage = "closing"
        this.#session = undefined
      },
    })
    this.#session.begin()
    if (draining) this.#session.drain()
  }

  #failTls(failure: TlsFailure): void {
    if (this.#failed) return
    this.#failed = true
    this.#server.components.metrics.tlsFailures[failure].value++
    this.#stage = "closing"
    this.#raw.destroy()
  }

  #failHandshake(failure: ReturnType<typeof handshakeFailureOf>): void {
    if (this.#failed) return
    this.#failed = true
    this.#server.components.metrics.handshakeFailures[failure].value++
    this.#stage = "closing"
    // The protocol may have a last block under way; its stream closes after it, or the drain's deadline does.
    if (failure === "draining") this.#raw.destroy()
    this.#leaveGate?.()
  }

  #closed(): void {
    this.#timer?.cancel()
    this.#leaveGate?.()
    if (!this.#secured && !this.#failed) {
      this.#failed = true
      this.#server.components.metrics.tlsFailures.closed.value++
    }
    this.#stage = "closing"
    this.#onClosed()
  }
}

function ignore(): void {
  // Whoever owns the socket hears of it by its closing.
}
