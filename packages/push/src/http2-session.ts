import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2"
import { isIP } from "node:net"
import { connect as connectTls, type TLSSocket } from "node:tls"
import type { Clock, Timer } from "@sluice/ops/clock"
import { Http2RequestError } from "./http2-problem.ts"

/** A request. */
export interface Http2Request {
  readonly method: "POST" | "GET"
  /** With query, properly encoded. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** A whole answer. */
export interface Http2Answer {
  readonly status: number
  /** Names in lower case; a header that came several times is left out. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Number of the connection that it came on, for `Http2Client.renew`. */
  readonly connection: number
}

/** How a session is made; times are milliseconds. */
export interface Http2SessionOptions {
  readonly origin: string
  readonly ca?: string | undefined
  readonly connectTimeout: number
  readonly pingInterval: number
  /** How long streams of a session that is given up may take to end. */
  readonly requestTimeout: number
  readonly clock: Clock
}

/** A ping must be answered within this time, in milliseconds. */
const PING_TIMEOUT = 10_000
/** Longest body of an answer, in bytes. Those of push services have a few hundred. */
const LONGEST_ANSWER = 65_536

interface Waiting {
  readonly begin: () => void
  readonly fail: (error: Http2RequestError) => void
}

/**
 * One HTTP/2 connection. It takes requests until it ends, is told to end (GOAWAY) or is given up; which of the requests
 * under way the service has looked at is in the errors.
 */
export class Http2Session {
  readonly number: number
  /** Resolves when requests can be made, with the service's limits known; rejects when it comes to nothing. */
  readonly ready: Promise<void>
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>
  readonly #socket: TLSSocket
  readonly #session: ClientHttp2Session
  readonly #options: Http2SessionOptions
  readonly #waiting = new Set<Waiting>()
  readonly #ping: Timer
  #active = 0
  #usable = false
  /** Streams above this were not looked at. */
  #lastStream = Infinity

  constructor(number: number, options: Http2SessionOptions) {
    this.number = number
    this.#options = options
    const { origin, ca, clock, connectTimeout, pingInterval } = options
    this.#socket = dial(origin, ca)
    this.#session = connect(origin, { createConnection: () => this.#socket })
    this.ended = new Promise((resolve) => this.#socket.once("close", () => resolve()))
    this.ready = new Promise((resolve, reject) => {
      const timer = clock.setTimeout(() => this.destroy(), connectTimeout)
      this.#session.once("remoteSettings", () => {
        timer.cancel()
        this.#usable = !this.#session.closed && !this.#session.destroyed
        resolve()
      })
      this.#session.once("close", () => {
        timer.cancel()
        reject(new Http2RequestError("connection", { untouched: true }))
      })
    })
    this.#ping = clock.setTimeout(() => this.#tryPing(), pingInterval, { background: true })
    this.#session.on("remoteSettings", () => this.#next())
    this.#session.on("goaway", (_code, lastStream) => {
      this.#lastStream = lastStream
      this.#stopTaking()
      this.#endInTime()
    })
    // Each request under way fails by its own stream, and `close` follows: the error itself adds nothing.
    this.#session.on("error", () => this.#stopTaking())
    this.#session.once("close", () => {
      this.#stopTaking()
      this.#ping.cancel()
    })
  }

  /** Takes requests. */
  get usable(): boolean {
    return this.#usable
  }

  /**
   * Sends a request, waiting for a stream where all are taken, and gives the whole answer. Throws
   * {@link Http2RequestError}, or the reason of `ends` when that is aborted.
   */
  async request(request: Http2Request, ends: AbortSignal): Promise<Http2Answer> {
    if (!this.#usable) throw new Http2RequestError("connection", { untouched: true })
    if (this.#active >= this.#limit) await this.#turn(ends)
    else this.#active++
    try {
      return await this.#exchange(request, ends)
    } catch (error) {
      // Whatever is wrong with a service that does not answer, the next request had better not wait for the same.
      if (error instanceof Http2RequestError && error.problem === "timeout") this.drain()
      throw error
    } finally {
      this.#active--
      this.#next()
    }
  }

  /** Takes nothing more; what is under way may finish, within the time of a request. */
  drain(): void {
    if (this.#session.closed || this.#session.destroyed) return
    this.#stopTaking()
    this.#session.close()
    this.#endInTime()
  }

  /** Ends the connection. */
  destroy(): Promise<void> {
    this.#stopTaking()
    this.#session.destroy()
    // A session alone would wait for the service to end its side, too.
    this.#socket.destroy()
    return this.ended
  }

  #endInTime(): void {
    const { clock, requestTimeout } = this.#options
    const timer = clock.setTimeout(() => this.destroy(), requestTimeout, { background: true })
    this.#socket.once("close", () => timer.cancel())
  }

  get #limit(): number {
    return this.#session.remoteSettings.maxConcurrentStreams ?? 100
  }

  /** Resolves when a stream is free, which is then counted as taken. */
  #turn(ends: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiting)
        ends.removeEventListener("abort", abort)
      }
      const abort = (): void => {
        leave()
        reject(ends.reason)
      }
      const waiting: Waiting = {
        begin: () => {
          leave()
          this.#active++
          resolve()
        },
        fail: (error) => {
          leave()
          reject(error)
        },
      }
      this.#waiting.add(waiting)
      ends.addEventListener("abort", abort, { once: true })
    })
  }

  #next(): void {
    for (const waiting of this.#waiting) {
      if (!this.#usable || this.#active >= this.#limit) return
      waiting.begin()
    }
  }

  #stopTaking(): void {
    this.#usable = false
    for (const waiting of this.#waiting) waiting.fail(new Http2RequestError("connection", { untouched: true }))
  }

  #exchange({ method, path, headers, body }: Http2Request, ends: AbortSignal): Promise<Http2Answer> {
    return new Promise((resolve, reject) => {
      ends.throwIfAborted()
      this.#ping.refresh()
      const stream = this.#open({ ":method": method, ":path": path, ...headers })
      const abort = (): void => {
        reject(ends.reason)
        stream.close(constants.NGHTTP2_CANCEL)
      }
      ends.addEventListener("abort", abort, { once: true })
      let answer: Pick<Http2Answer, "status" | "headers"> | undefined
      const chunks: Uint8Array[] = []
      let length = 0
      stream.on("response", (received) => {
        answer = { status: Number(received[":status"]), headers: singleHeaders(received) }
      })
      stream.on("data", (chunk: Uint8Array) => {
        length += chunk.length
        if (length > LONGEST_ANSWER) stream.close(constants.NGHTTP2_CANCEL)
        else chunks.push(chunk)
      })
      // The stream's end says nothing yet about why it ended.
      stream.on("error", () => reject(this.#lost(stream)))
      stream.once("close", () => {
        ends.removeEventListener("abort", abort)
        if (answer === undefined || stream.rstCode !== constants.NGHTTP2_NO_ERROR) reject(this.#lost(stream))
        else resolve({ ...answer, body: Buffer.concat(chunks).toString(), connection: this.number })
      })
      stream.end(body)
    })
  }

  #open(headers: Record<string, string>): ClientHttp2Stream {
    try {
      return this.#session.request(headers)
    } catch {
      // Between the check and here the session has ended: nothing was sent.
      this.#stopTaking()
      throw new Http2RequestError("connection", { untouched: true })
    }
  }

  #lost({ rstCode, id }: ClientHttp2Stream): Http2RequestError {
    const refused = rstCode === constants.NGHTTP2_REFUSED_STREAM
    return new Http2RequestError("connection", { untouched: refused || id === undefined || id > this.#lastStream })
  }

  #tryPing(): void {
    if (this.#session.closed || this.#session.destroyed) return
    const timer = this.#options.clock.setTimeout(() => this.destroy(), PING_TIMEOUT, { background: true })
    const sent = this.#session.ping(() => {
      timer.cancel()
      this.#ping.refresh()
    })
    // Too many pings unanswered already, or the session is going: either way it is of no more use.
    if (!sent) this.drain()
  }
}

function dial(origin: string, ca: string | undefined): TLSSocket {
  const { hostname, port } = new URL(origin)
  const tls = {
    ...(isIP(hostname) === 0 && { servername: hostname }),
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2",
    ...(ca !== undefined && { ca }),
  } as const
  return connectTls({ host: hostname, port: port === "" ? 443 : Number(port), ...tls })
}

function singleHeaders(
  headers: Readonly<Record<string, string | string[] | number | undefined>>,
): Record<string, string> {
  const single: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) if (typeof value === "string") single[name] = value
  return single
}
