import { createServer, type IncomingMessage, type Server } from "node:http"
import { Duplex } from "node:stream"
import { type RawData, WebSocket, WebSocketServer } from "ws"
import { BLOCK_SIZE } from "./block-stream.ts"
import { networkError, TransportError } from "./errors.ts"

/*
 * Blocks as WebSocket messages, inside TLS like everything else (transport.md §7). The stream made here goes to
 * `BlockStream` in the place of the TLS socket; session id and ALPN come from the TLS socket all the same.
 */

/** Limits of a WebSocket set-up. */
export interface WebSocketOptions {
  /** Bytes of a block, which is the only size a message may have; default {@link BLOCK_SIZE}. */
  readonly blockSize?: number
  /** Milliseconds for the HTTP upgrade; default 60000. */
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 60_000

/** The server's side: turns TLS sockets of a WebSocket port into streams of blocks. */
export class WebSocketAcceptor {
  readonly #http: Server
  readonly #upgrader: WebSocketServer
  readonly #blockSize: number
  readonly #timeoutMs: number
  readonly #waiting: WeakMap<Duplex, (stream: Duplex) => void> = new WeakMap()

  constructor(options: WebSocketOptions = {}) {
    this.#blockSize = options.blockSize ?? BLOCK_SIZE
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.#upgrader = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: this.#blockSize })
    this.#http = createServer((_, response) =>
      response.writeHead(426, { connection: "close", upgrade: "websocket" }).end(),
    )
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head))
  }

  /**
   * The blocks of a client, once it has asked for the upgrade. Rejects with `TransportError`, the socket destroyed, when
   * the client takes too long, closes, or speaks something else.
   */
  accept(socket: Duplex): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const fail = (error: TransportError): void => {
        stop()
        socket.destroy()
        reject(error)
      }
      const close = (): void => fail(new TransportError({ kind: "closed", reason: "ended" }))
      const timer = setTimeout(() => fail(networkError({ type: "TIMEOUT" })), this.#timeoutMs)
      const stop = (): void => {
        clearTimeout(timer)
        socket.off("close", close)
        this.#waiting.delete(socket)
      }
      socket.on("close", close)
      this.#waiting.set(socket, (stream) => {
        stop()
        resolve(stream)
      })
      this.#http.emit("connection", socket)
    })
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const accepted = this.#waiting.get(socket)
    if (accepted === undefined) {
      socket.destroy()
      return
    }
    this.#upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      accepted(new MessageStream(webSocket, this.#blockSize))
    })
  }
}

/** The client's side: upgrades a TLS connection. Rejects with `TransportError`, the socket destroyed. */
export function connectWebSocket(socket: Duplex, options: WebSocketOptions = {}): Promise<Duplex> {
  const blockSize = options.blockSize ?? BLOCK_SIZE
  return new Promise((resolve, reject) => {
    // The address is only what the HTTP request says; the connection is there.
    const webSocket = new WebSocket("ws://localhost/", {
      createConnection: () => socket,
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      maxPayload: blockSize,
    })
    const fail = (error: Error): void => {
      socket.destroy()
      reject(networkError({ type: "CONNECT", text: "WebSocket upgrade failed" }, error))
    }
    webSocket.once("error", fail)
    webSocket.once("open", () => {
      webSocket.off("error", fail)
      resolve(new MessageStream(webSocket, blockSize))
    })
  })
}

/** Each chunk is one binary message, both ways. A message that is no block destroys it with an error. */
class MessageStream extends Duplex {
  readonly #webSocket: WebSocket

  constructor(webSocket: WebSocket, blockSize: number) {
    super({ highWaterMark: blockSize })
    this.#webSocket = webSocket
    webSocket.on("message", (data: RawData, isBinary: boolean) => {
      if (!isBinary || !(data instanceof Uint8Array) || data.length !== blockSize) {
        this.destroy(networkError({ type: "TLS", text: "WebSocket message is not a block" }))
      } else if (!this.push(data)) webSocket.pause()
    })
    webSocket.on("error", (error) => this.destroy(error))
    webSocket.on("close", () => this.push(null))
  }

  override _read(): void {
    this.#webSocket.resume()
  }

  override _write(chunk: Uint8Array, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#webSocket.send(chunk, { binary: true }, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#webSocket.close(1000)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#webSocket.terminate()
    done(error)
  }
}
