import { type Clock, sleep, systemClock } from "@sluice/ops/clock"
import { Backoff } from "./backoff.ts"
import { Http2RequestError } from "./http2-problem.ts"
import { type Http2Answer, type Http2Request, Http2Session } from "./http2-session.ts"

/** One service to talk to. Times are milliseconds. */
export interface Http2ClientOptions {
  /** `https://host` or `https://host:port` */
  readonly origin: string
  /** Certificates in PEM that sign the service's; by default the public ones. */
  readonly ca?: string | undefined
  /** Time to connect, TLS and the service's settings included. 25 s. */
  readonly connectTimeout?: number | undefined
  /** Time from handing a request over until the whole answer is there. 25 s. */
  readonly requestTimeout?: number | undefined
  /** An idle connection is tried after this. 60 s. */
  readonly pingInterval?: number | undefined
  /** Requests under way and waiting; more fail with `overload`. 10000. */
  readonly maxRequests?: number | undefined
  readonly clock?: Clock | undefined
  /** From 0 to 1, for the jitter of reconnections. */
  readonly random?: (() => number) | undefined
}

/** How often a request that the server certainly did not look at goes out again. */
const REPLAYS = 3
/** Connections are given up on request at most this often, in milliseconds. */
const RENEWAL_PAUSE = 1_000

/**
 * A client of one HTTPS service over HTTP/2: one connection for all requests, opened by the first, replaced when it ends
 * or is to end (GOAWAY), tried while it is idle. Requests wait for a stream where the service allows only a few, and go
 * out again by themselves when the service says that it did not look at them (RFC 9113 §8.7). After a failed attempt to
 * connect the next one waits; until then requests fail at once.
 */
export class Http2Client {
  readonly #options: Http2ClientOptions
  readonly #clock: Clock
  readonly #requestTimeout: number
  readonly #backoff: Backoff
  /** Connections that are open, draining ones included. */
  readonly #open = new Set<Http2Session>()
  #current: Http2Session | undefined
  #connecting: Promise<Http2Session> | undefined
  #requests = 0
  #connections = 0
  #renewed = -Infinity
  #closed = false

  constructor(options: Http2ClientOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#requestTimeout = options.requestTimeout ?? 25_000
    this.#backoff = new Backoff({ clock: this.#clock, random: options.random ?? Math.random })
  }

  /** Requests under way and waiting. */
  get requests(): number {
    return this.#requests
  }

  /** Connections opened so far, failed attempts included. */
  get connections(): number {
    return this.#connections
  }

  /** Sends a request and gives the whole answer. Throws {@link Http2RequestError} and nothing else. */
  async request(request: Http2Request, signal: AbortSignal): Promise<Http2Answer> {
    if (this.#closed) throw new Http2RequestError("closed", { untouched: true })
    if (this.#requests >= (this.#options.maxRequests ?? 10_000)) {
      throw new Http2RequestError("overload", { untouched: true })
    }
    this.#requests++
    const ends = new AbortController()
    const stop = (): void => ends.abort(new Http2RequestError("aborted"))
    const timer = this.#clock.setTimeout(() => ends.abort(new Http2RequestError("timeout")), this.#requestTimeout)
    signal.addEventListener("abort", stop, { once: true })
    if (signal.aborted) stop()
    try {
      return await this.#attempts(request, ends.signal)
    } finally {
      timer.cancel()
      signal.removeEventListener("abort", stop)
      this.#requests--
    }
  }

  /**
   * Gives up the connection of this number if it is still the one in use, so that the next request opens another; what is
   * under way may finish. At most once a second, so that a service with a problem is not flooded with connections.
   */
  renew(connection: number): void {
    const now = this.#clock.monotonic()
    if (this.#current?.number !== connection || now - this.#renewed < RENEWAL_PAUSE) return
    this.#renewed = now
    this.#current.drain()
  }

  /** Ends all connections; what is under way fails. Can be called twice. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#open].map((session) => session.destroy()))
  }

  async #attempts(request: Http2Request, ends: AbortSignal): Promise<Http2Answer> {
    for (let attempt = 0; ; attempt++) {
      ends.throwIfAborted()
      const session = await orAborted(this.#connected(), ends)
      try {
        return await session.request(request, ends)
      } catch (error) {
        if (this.#closed) throw new Http2RequestError("closed")
        const again = error instanceof Http2RequestError && error.problem === "connection" && error.untouched
        if (!again || attempt >= REPLAYS) throw error
        // The first time it is a connection that ended; a service that refuses again and again gets a moment.
        if (attempt > 0) await sleep(this.#clock, 100 * attempt, ends)
      }
    }
  }

  /** The connection for new requests, made if there is none; all who wait share one attempt. */
  #connected(): Promise<Http2Session> {
    if (this.#current?.usable === true) return Promise.resolve(this.#current)
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #connect(): Promise<Http2Session> {
    const wait = this.#backoff.remaining
    if (wait > 0) throw new Http2RequestError("connection", { afterMs: wait })
    const { origin, ca, connectTimeout = 25_000, pingInterval = 60_000 } = this.#options
    const times = { connectTimeout, pingInterval, requestTimeout: this.#requestTimeout }
    const session = new Http2Session(++this.#connections, { origin, ca, clock: this.#clock, ...times })
    this.#open.add(session)
    void session.ended.then(() => this.#open.delete(session))
    try {
      await session.ready
    } catch {
      if (this.#closed) throw new Http2RequestError("closed")
      throw new Http2RequestError("connection", { afterMs: this.#backoff.failed() })
    }
    this.#backoff.succeeded()
    this.#current = session
    return session
  }
}

/** The promise's result, or the signal's reason if that is first. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener("abort", abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort))
  })
}
