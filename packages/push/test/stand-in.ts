import { once } from "node:events"
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2"
import type { AddressInfo, Socket } from "node:net"
import { createTestAuthority, type TestAuthority } from "./test-authority.ts"

/** A request as it arrived, whole. */
export interface ReceivedRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** `performance.now()` when its last byte was there. */
  readonly at: number
  /** Number of its connection, from 1 in the order of their opening. */
  readonly connection: number
}

/** What a stand-in does with a request. */
export type Answer =
  | {
      readonly status: number
      /** Text, or a value that is sent as JSON. */
      readonly body?: unknown
      readonly headers?: Readonly<Record<string, string>>
    }
  /** Never answers. */
  | "silence"
  /** Cuts the connection. */
  | "drop"
  /** Resets this stream only (INTERNAL_ERROR). */
  | "reset"
  /** Says by GOAWAY that this request, and all after it on its connection, was not looked at. */
  | "goaway-before"
  /** Answers 200 and takes nothing more on this connection. */
  | "goaway-after"

/** Decides on a request; may take its time. */
export type Responder<R> = (request: R) => Answer | Promise<Answer>

/** How a stand-in is set up. */
export interface StandInOptions {
  /** By default a new one. */
  readonly authority?: TestAuthority
  /** Of HTTP/2; default 1000. */
  readonly maxConcurrentStreams?: number
}

/**
 * An HTTPS server for tests, HTTP/2 and HTTP/1.1, that keeps what arrives and answers as it is told. `R` is what the
 * service that it stands for makes of a request.
 */
export class StandIn<R extends ReceivedRequest = ReceivedRequest> {
  /** Everything that arrived for the service, whatever was answered. */
  readonly received: R[] = []
  /** Certificate in PEM for clients to trust. */
  readonly ca: string
  /** What is answered when {@link answerNext} holds nothing. */
  responder: Responder<R>
  /** Connections opened so far. */
  connections = 0
  readonly #server: Http2SecureServer
  readonly #sockets = new Map<Socket, number>()
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #once: Responder<R>[] = []
  readonly #waiting: ((request: R) => void)[] = []
  #taken = 0
  readonly #read: (request: ReceivedRequest) => R | Answer

  /**
   * @param read what a request is to this service, or the answer to one that is not for {@link responder}
   * @param responder what is answered by default
   */
  constructor(read: (request: ReceivedRequest) => R | Answer, responder: Responder<R>, options: StandInOptions = {}) {
    const { ca, cert, key } = options.authority ?? createTestAuthority()
    this.ca = ca
    this.responder = responder
    this.#read = read
    const settings = { maxConcurrentStreams: options.maxConcurrentStreams ?? 1000 }
    this.#server = createSecureServer({ cert, key, allowHTTP1: true, settings })
    this.#server.on("secureConnection", (socket: Socket) => {
      this.#sockets.set(socket, ++this.connections)
      socket.once("close", () => this.#sockets.delete(socket))
      // A client that cuts its connection is nothing a stand-in can mend.
      socket.on("error", () => this.#sockets.delete(socket))
    })
    this.#server.on("session", (session) => {
      this.#sessions.add(session)
      session.once("close", () => this.#sessions.delete(session))
      session.on("error", () => this.#sessions.delete(session))
    })
    this.#server.on("request", (request, response) => void this.#take(request, response))
  }

  /** Listens on a free port of this machine, or on `port`, for a stand-in that comes back. */
  async start(port = 0): Promise<this> {
    this.#server.listen(port, "127.0.0.1")
    await once(this.#server, "listening")
    return this
  }

  /** `https://localhost:port` */
  get origin(): string {
    return `https://localhost:${this.port}`
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size
  }

  /** Answers the next requests with these, one each; then {@link responder} is asked again. */
  answerNext(...answers: readonly (Answer | Responder<R>)[]): void {
    for (const answer of answers) this.#once.push(typeof answer === "function" ? answer : () => answer)
  }

  /** The next request that was not given out yet, waiting for it if need be. */
  next(): Promise<R> {
    const request = this.received[this.#taken]
    if (request !== undefined) {
      this.#taken++
      return Promise.resolve(request)
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Requests that {@link next} has not given out. */
  get pending(): number {
    return this.received.length - this.#taken
  }

  /** Tells all clients that no new streams are taken on their connections; what was begun is answered. */
  goAway(): void {
    for (const session of this.#sessions) session.goaway()
  }

  /** Limits streams of the connections that are open, as services do while they distrust a client. */
  limitStreams(maxConcurrentStreams: number): void {
    for (const session of this.#sessions) session.settings({ maxConcurrentStreams })
  }

  /** Cuts all connections. */
  dropConnections(): void {
    for (const socket of this.#sockets.keys()) socket.destroy()
  }

  /** Ends everything. Can be called twice. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, "close")
    this.#server.close()
    this.dropConnections()
    for (const session of this.#sessions) session.destroy()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #take(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const socket = (request.httpVersionMajor === 2 ? undefined : request.socket) as Socket | undefined
    const chunks: Uint8Array[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Uint8Array)
    } catch {
      return // the client went away
    }
    const made = this.#read({
      method: request.method,
      path: request.url,
      headers: plainHeaders(request.headers),
      body: new Uint8Array(Buffer.concat(chunks)),
      at: performance.now(),
      connection: this.#numberOf(request, socket),
    })
    if (typeof made === "string" || "status" in made) return act(made, request, response)
    this.received.push(made)
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) {
      this.#taken++
      waiting(made)
    }
    const responder = this.#once.shift() ?? this.responder
    act(await responder(made), request, response)
  }

  #numberOf(request: Http2ServerRequest, socket: Socket | undefined): number {
    if (socket !== undefined) return this.#sockets.get(socket) ?? 0
    // The socket of a session is a proxy of the real one, so the ports are compared.
    const port = request.stream.session?.socket.remotePort
    for (const [candidate, number] of this.#sockets) if (candidate.remotePort === port) return number
    return 0
  }
}

function act(answer: Answer, request: Http2ServerRequest, response: Http2ServerResponse): void {
  if (typeof answer === "object") {
    const { status, headers, body } = answer
    response.writeHead(status, { ...(typeof body === "object" && { "content-type": "application/json" }), ...headers })
    response.end(typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body))
    return
  }
  if (answer === "silence") return
  const h2 = request.httpVersionMajor === 2
  const { session, id = 1 } = h2 ? request.stream : {}
  switch (answer) {
    case "reset":
      if (h2) request.stream.close(2)
      else request.socket.destroy()
      return
    case "goaway-before":
      // Stream 0 would mean "the last that was seen" to the library, so the first one of a connection is refused alone.
      if (id === 1) request.stream.close(7)
      session?.goaway(0, Math.max(1, id - 2))
      return
    case "goaway-after":
      session?.goaway()
      response.writeHead(200)
      response.end()
      return
    case "drop":
      if (h2) session?.destroy()
      else request.socket.destroy()
  }
}

function plainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value ?? "")]))
}
