import { Agent, request as httpsRequest } from "node:https"
import { isIP, type LookupFunction } from "node:net"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { isPublicAddress } from "@sluice/ops/public-address"
import { type Resolve, resolveByDns } from "@sluice/ops/resolve-by-dns"
import { Http2RequestError } from "./http2-problem.ts"

/** How hosts that strangers name are reached. Times are milliseconds. */
export interface PublicHttpsOptions {
  /** Also hosts that are not on the public internet. */
  readonly allowPrivate?: boolean
  /** Certificates in PEM that sign the hosts'; by default the public ones. */
  readonly ca?: string | undefined
  /** Time for a whole request. 25 s. */
  readonly requestTimeout?: number | undefined
  /** Requests under way and waiting, of all hosts; more fail with `overload`. 10000. */
  readonly maxRequests?: number | undefined
  /** Connections to one host; a slow one delays only those who named it. 64. */
  readonly maxPerHost?: number | undefined
  /** Connections in all. 512. */
  readonly maxConnections?: number | undefined
  readonly clock?: Clock | undefined
  readonly resolve?: Resolve | undefined
  /** Which addresses may be connected to; default {@link isPublicAddress}. For tests, which have no public ones. */
  readonly isAllowed?: ((address: string) => boolean) | undefined
}

/** What a host answered; the body is not kept. */
export interface HttpsAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
}

/** The host leads to no address that may be connected to. Its text names none. */
export class RefusedHostError extends Error {
  override readonly name = "RefusedHostError"

  constructor() {
    super("the host leads to no address that is connected to")
  }
}

/** How long a connection is kept without a request, in milliseconds. */
const IDLE_TIMEOUT = 5_000
const LONGEST_ANSWER = 65_536

/**
 * Sends requests to hosts that strangers name: only to public addresses, judged where the connection is made, so that a name
 * that changes its answer gets nowhere; redirects are answers like all others. Connections are kept and used again.
 */
export class PublicHttps {
  readonly #options: PublicHttpsOptions
  readonly #agent: Agent
  readonly #clock: Clock
  readonly #closing = new AbortController()
  #requests = 0

  constructor(options: PublicHttpsOptions = {}) {
    const { maxPerHost = 64, maxConnections = 512, clock = systemClock } = options
    this.#options = options
    this.#clock = clock
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: maxPerHost,
      maxTotalSockets: maxConnections,
      maxFreeSockets: maxPerHost,
      // Idle connections count, too: those of one host must not keep another waiting for long.
      timeout: IDLE_TIMEOUT,
      scheduling: "lifo",
      minVersion: "TLSv1.2",
      ...(options.ca !== undefined && { ca: options.ca }),
    })
  }

  /** Requests under way and waiting. */
  get requests(): number {
    return this.#requests
  }

  /** POSTs a body. Throws {@link RefusedHostError} or {@link Http2RequestError}, and nothing else. */
  async post(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<HttpsAnswer> {
    if (this.#closing.signal.aborted) throw new Http2RequestError("closed")
    if (signal.aborted) throw new Http2RequestError("aborted")
    if (this.#requests >= (this.#options.maxRequests ?? 10_000)) throw new Http2RequestError("overload")
    const host = url.hostname.replace(/^\[|\]$/g, "")
    if (isIP(host) !== 0 && !this.#allows(host)) throw new RefusedHostError()
    this.#requests++
    try {
      return await this.#exchange(url, headers, body, signal)
    } finally {
      this.#requests--
    }
  }

  /** Ends everything. Can be called twice. */
  close(): Promise<void> {
    this.#closing.abort()
    this.#agent.destroy()
    return Promise.resolve()
  }

  #exchange(
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<HttpsAnswer> {
    const { requestTimeout = 25_000 } = this.#options
    return new Promise((resolve, reject) => {
      const lookup = this.#options.allowPrivate === true ? undefined : this.#lookup
      const all = { ...headers, "content-length": String(body.length) }
      const options = { method: "POST", headers: all, agent: this.#agent, ...(lookup !== undefined && { lookup }) }
      const request = httpsRequest(url, options)
      const end = (error: Error): void => {
        reject(error)
        request.destroy()
      }
      const abort = (): void => end(new Http2RequestError("aborted"))
      const close = (): void => end(new Http2RequestError("closed"))
      const timer = this.#clock.setTimeout(() => end(new Http2RequestError("timeout")), requestTimeout)
      signal.addEventListener("abort", abort, { once: true })
      this.#closing.signal.addEventListener("abort", close, { once: true })
      request.once("close", () => {
        timer.cancel()
        signal.removeEventListener("abort", abort)
        this.#closing.signal.removeEventListener("abort", close)
        reject(new Http2RequestError("connection"))
      })
      request.on("error", (error) =>
        reject(error instanceof RefusedHostError ? error : new Http2RequestError("connection")),
      )
      request.on("response", (response) => {
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] })
        let length = 0
        // Read to its end so that the connection can be used again, but not for ever.
        response.on("data", (chunk: Uint8Array) => {
          length += chunk.length
          if (length > LONGEST_ANSWER) response.destroy()
        })
        response.on("error", () => request.destroy())
      })
      request.end(body)
    })
  }

  #allows(address: string): boolean {
    return this.#options.allowPrivate === true || (this.#options.isAllowed ?? isPublicAddress)(address)
  }

  readonly #lookup: LookupFunction = (name, { all }, done) => {
    const { resolve = resolveByDns } = this.#options
    resolve(name, this.#closing.signal).then(
      (addresses) => {
        const found = addresses
          .filter((address) => this.#allows(address))
          .map((address) => ({ address, family: isIP(address) }))
        const [first] = found
        if (first === undefined) done(new RefusedHostError(), [])
        else if (all === true) done(null, found)
        else done(null, first.address, first.family)
      },
      () => done(new RefusedHostError(), []),
    )
  }
}
