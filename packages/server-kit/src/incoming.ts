import type { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import type { Timer } from "@sluice/ops/clock"
import { recycleBlock } from "@sluice/transport/block-codec"
import { BlockStream } from "@sluice/transport/block-stream"
import { TransportError } from "@sluice/transport/errors"
import { acceptTls, credentialsInUse, isWebClient } from "@sluice/transport/tls-connection"
import { sourceOf } from "./admission.ts"
import { handshakeFailureOf } from "./handshake-failure.ts"
import { LiveSession } from "./live-session.ts"
import type { BlockSession, Link } from "./protocol.ts"
import type { HandshakeFailure, Refusal, Stage, TlsFailure } from "./server-metrics.ts"
import type { WebHandOver } from "./server-options.ts"
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
  #counted = false
  #source: string | undefined

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

  /** Passes the limits, finds the source and waits for a place. */
  begin(): void {
    const { admission, draining, options, components } = this.#server
    const refusal = draining ? "draining" : admission.enter()
    if (refusal !== undefined) {
      this.#refuse(refusal)
      return
    }
    this.#counted = true
    const { tlsTimeout } = options.settings
    this.#timer = components.clock.setTimeout(() => this.#failTls("timeout"), tlsTimeout, { background: true })
    try {
      const found = this.#server.source(this.#raw)
      if (found instanceof Promise) found.then((address) => this.#admit(address)).catch(() => this.#failTls("source"))
      else this.#admit(found)
    } catch (error) {
      this.#defect("the source of a connection could not be looked for", error)
      this.#failTls("source")
    }
  }

  /** The server is stopping: a session finishes what it read, anything earlier is cut. */
  drain(): void {
    switch (this.#stage) {
      case "waiting":
      case "tls":
        this.#failTls("draining")
        break
      case "handshake":
        this.#failHandshake("draining")
        break
      case "session":
        this.#session?.drain()
        break
      case "web": // its owner's to end
      case "closing":
        break
      default:
        this.#stage satisfies never
    }
  }

  destroy(): void {
    this.#session?.destroy("drained")
    this.#raw.destroy()
  }

  /** TLS is set up. */
  secured(socket: TLSSocket): void {
    const { options, components, draining } = this.#server
    socket.on("error", ignore)
    if (this.#stage !== "tls") return
    if (draining) {
      this.#failTls("draining")
      return
    }
    this.#timer?.cancel()
    components.metrics.tlsSeconds.observe((components.clock.monotonic() - this.#acceptedAt) / 1000)
    if (options.web !== undefined && isWebClient(socket)) {
      this.#handOver(socket, options.web)
      return
    }
    try {
      const link = this.#link(socket)
      if (link === undefined) this.#failTls("certificate")
      else this.#handshake(socket, link)
    } catch (error) {
      if (!(error instanceof TransportError)) this.#defect("a connection could not be taken over", error)
      this.#failTls("certificate")
    }
  }

  /** TLS could not be set up. */
  tlsFailed(error: Error): void {
    const code = "code" in error ? String(error.code) : ""
    this.#failTls(code === "ERR_TLS_HANDSHAKE_TIMEOUT" ? "timeout" : code === "ECONNRESET" ? "closed" : "alert")
  }

  #refuse(refusal: Refusal): void {
    this.#server.components.metrics.refused[refusal].value++
    this.#end()
  }

  #admit(address: string | undefined): void {
    const { admission, gate } = this.#server
    if (this.#stage === "closing") return
    if (address !== undefined) {
      const source = sourceOf(address)
      const refusal = admission.enterSource(source)
      if (refusal !== undefined) {
        this.#refuse(refusal)
        return
      }
      this.#source = source
    }
    this.#leaveGate = gate.enter(() => this.#startTls())
    if (this.#leaveGate === undefined) this.#refuse("waiting_handshakes")
  }

  #startTls(): void {
    if (this.#stage === "closing") return
    this.#stage = "tls"
    this.#server.tls.emit("connection", this.#raw)
  }

  #handOver(socket: TLSSocket, web: WebHandOver): void {
    this.#stage = "web"
    this.#leaveGate?.()
    try {
      web.accept(socket, this.#source)
    } catch (error) {
      this.#defect("a connection could not be handed over to the web server", error)
      this.#end()
    }
  }

  /** `undefined` for a client that saw a certificate so old that its key is not kept. */
  #link(socket: TLSSocket): Link | undefined {
    const { options, components, credentials } = this.#server
    const seen = credentialsInUse(socket, credentials)
    if (seen === undefined) return undefined
    const tls = acceptTls(socket, { crypto: components.crypto, now: Math.floor(components.clock.now() / 1000) })
    return { credentials: seen, tls, timeoutMs: options.settings.handshakeTimeout }
  }

  #handshake(socket: TLSSocket, link: Link): void {
    const { options, components } = this.#server
    const { protocol, settings } = options
    const { clock, metrics } = components
    this.#stage = "handshake"
    const begun = clock.monotonic()
    this.#timer = clock.setTimeout(() => this.#failHandshake("timeout"), link.timeoutMs, { background: true })
    const stream = new BlockStream(socket, {
      blockSize: protocol.blockSize,
      highWaterBlocks: settings.maxSocketBlocks,
      onSent: recycleBlock,
    })
    protocol
      .handshake(stream, link)
      .then((params) => {
        if (this.#stage !== "handshake") return
        metrics.handshakeSeconds.observe((clock.monotonic() - begun) / 1000)
        this.#startSession(stream, params)
      })
      .catch((error: unknown) => {
        const failure = handshakeFailureOf(error)
        if (failure === "defect") this.#defect("a handshake failed", error)
        this.#failHandshake(failure)
      })
  }

  #startSession(stream: BlockStream, params: Params): void {
    const { options, components, turns, draining } = this.#server
    const { protocol, sessions, settings } = options
    const session = new LiveSession({
      ...{ stream, params, protocol, sessions, settings, turns },
      ...components,
      onEnd: () => {
        this.#stage = "closing"
        this.#session = undefined
      },
    })
    this.#timer?.cancel()
    this.#leaveGate?.()
    components.metrics.sessionsOpened.value++
    this.#stage = "session"
    this.#session = session
    session.begin()
    if (draining) session.drain()
  }

  #failTls(failure: TlsFailure): void {
    if (this.#stage === "closing") return
    this.#server.components.metrics.tlsFailures[failure].value++
    this.#end()
  }

  #failHandshake(failure: HandshakeFailure): void {
    if (this.#stage !== "handshake") return
    this.#server.components.metrics.handshakeFailures[failure].value++
    // A refusal under way is the last block of its stream, which closes after it.
    if (failure !== "bad_auth" && failure !== "bad_service") this.#end()
    else this.#stage = "closing"
  }

  #end(): void {
    this.#stage = "closing"
    this.#raw.destroy()
  }

  #defect(message: string, error: unknown): void {
    this.#server.components.metrics.defects.value++
    this.#server.components.log.error(`${message}, which is a defect of this program`, { error })
  }

  #closed(): void {
    const { admission, components } = this.#server
    const { tlsFailures, handshakeFailures } = components.metrics
    if (this.#stage === "waiting" || this.#stage === "tls") tlsFailures.closed.value++
    if (this.#stage === "handshake") handshakeFailures.closed.value++
    this.#stage = "closing"
    this.#timer?.cancel()
    this.#leaveGate?.()
    if (this.#source !== undefined) admission.leaveSource(this.#source)
    if (this.#counted) admission.leave()
    this.#onClosed()
  }
}

function ignore(): void {
  // Whoever owns the socket hears of it by its closing.
}
