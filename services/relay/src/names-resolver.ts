import { type ClientRequest, Agent as HttpAgent, get as httpGet, type IncomingMessage } from "node:http"
import { Agent as HttpsAgent, get as httpsGet } from "node:https"
import { Reader } from "@sluice/encoding/reader"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import { readJsonObject } from "@sluice/smp-protocol/json-message"
import { type NameRecord, nameRecordFromJson } from "@sluice/smp-protocol/messages/name"
import type { NamesOptions } from "./names-settings.ts"

/** What became of a look-up; texts of failures are those of smp.md §2.7. */
export type Resolution =
  | { readonly result: "found"; readonly record: NameRecord }
  | { readonly result: "not-found" }
  | { readonly result: "failed"; readonly text: string }

/** Finds out what a name stands for. */
export interface NamesResolver {
  /** Never rejects. */
  resolve(name: string): Promise<Resolution>
}

export interface NamesResolverComponents {
  readonly clock: Clock
  readonly log: Log
}

/** Connections that stay open between look-ups. */
const IDLE_CONNECTIONS = 10

const FAILED = {
  timeout: failed("timeout"),
  transport: failed("transport failure"),
  tooLarge: failed("response too large"),
  invalid: failed("invalid response"),
  other: failed("resolver error"),
} as const

/** A resolver that is asked over HTTP: `GET <endpoint>/resolve/<name>` (relay-operations.md §3, [NAMES]). */
export class HttpNamesResolver implements NamesResolver {
  readonly #options: NamesOptions
  readonly #components: NamesResolverComponents
  readonly #agent: HttpAgent | HttpsAgent
  readonly #running = new Set<Exchange>()
  #closed = false

  constructor(options: NamesOptions, components: NamesResolverComponents) {
    this.#options = options
    this.#components = components
    const pool = { keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS, maxSockets: options.concurrency }
    this.#agent = options.endpoint.startsWith("https:") ? new HttpsAgent(pool) : new HttpAgent(pool)
  }

  /** Look-ups under way. */
  get running(): number {
    return this.#running.size
  }

  async resolve(name: string): Promise<Resolution> {
    const resolution = await this.#exchange(`/resolve/${encodeURIComponent(name)}`, resolutionOf)
    if (resolution.result === "failed") {
      this.#components.log.warn("the resolver of names failed", { reason: resolution.text })
    }
    return resolution
  }

  /** Asks whether the resolver is there. It is only told in the log: the relay has other things to do. */
  async probe(): Promise<void> {
    const health = await this.#exchange("/health", (status) => (status === 200 ? NOT_FOUND : failed(`HTTP ${status}`)))
    if (health.result !== "failed") return
    this.#components.log.warn("the resolver of names is not healthy", { reason: health.text })
  }

  /** Ends what is under way and closes all connections. */
  close(): void {
    this.#closed = true
    for (const exchange of this.#running) exchange.end(FAILED.other)
    this.#agent.destroy()
  }

  async #exchange(path: string, judge: Judge): Promise<Resolution> {
    if (this.#closed || this.#running.size >= this.#options.concurrency) return FAILED.other
    const exchange = new Exchange(this.#options, this.#agent, path, judge)
    this.#running.add(exchange)
    const timer = this.#components.clock.setTimeout(() => exchange.end(FAILED.timeout), this.#options.timeout)
    try {
      return await exchange.done
    } finally {
      timer.cancel()
      this.#running.delete(exchange)
    }
  }
}

/** What an answer means. */
type Judge = (status: number, body: Uint8Array) => Resolution

const NOT_FOUND: Resolution = { result: "not-found" }

function resolutionOf(status: number, body: Uint8Array): Resolution {
  if (status === 404 || status === 400) return NOT_FOUND
  if (status !== 200) return failed(`HTTP ${status}`)
  try {
    return { result: "found", record: nameRecordFromJson(readJsonObject(new Reader(body), "record")) }
  } catch {
    return FAILED.invalid // whatever it is, it is no record
  }
}

function failed(text: string): Extract<Resolution, { result: "failed" }> {
  return { result: "failed", text }
}

/** One request and its answer. Redirects are answers like others: nothing follows them. */
class Exchange {
  readonly done: Promise<Resolution>
  readonly #resolve: (resolution: Resolution) => void
  readonly #options: NamesOptions
  readonly #agent: HttpAgent | HttpsAgent
  readonly #path: string
  readonly #judge: Judge
  #request: ClientRequest
  #ended = false

  constructor(options: NamesOptions, agent: HttpAgent | HttpsAgent, path: string, judge: Judge) {
    const { promise, resolve } = Promise.withResolvers<Resolution>()
    this.done = promise
    this.#resolve = resolve
    this.#options = options
    this.#agent = agent
    this.#path = path
    this.#judge = judge
    this.#request = this.#send()
  }

  /** The first end counts; the connection is not used again unless the answer was complete. */
  end(resolution: Resolution): void {
    this.#finish(resolution)
    this.#request.destroy()
  }

  #finish(resolution: Resolution): void {
    this.#ended = true
    this.#resolve(resolution)
  }

  #send(): ClientRequest {
    const { endpoint, authorization } = this.#options
    const headers = {
      accept: "application/json",
      ...(authorization !== undefined && { authorization: authorization.reveal() }),
    }
    const get = this.#agent instanceof HttpsAgent ? httpsGet : httpGet
    const request = get(`${endpoint}${this.#path}`, { agent: this.#agent, headers }, (response) => this.#read(response))
    return request.on("error", (error) => this.#failed(request, error))
  }

  #failed(request: ClientRequest, error: NodeJS.ErrnoException): void {
    if (this.#ended) return
    // The resolver may close an idle connection in the moment in which it is used again: that says nothing about it.
    if (request.reusedSocket && error.code === "ECONNRESET") this.#request = this.#send()
    else this.#finish(FAILED.transport)
  }

  #read(response: IncomingMessage): void {
    const { maxResponseBytes } = this.#options
    const status = response.statusCode ?? 0
    const chunks: Uint8Array[] = []
    let length = 0
    response.on("data", (chunk: Uint8Array) => {
      length += chunk.length
      if (length <= maxResponseBytes) chunks.push(chunk)
      // Of an answer that says no, the text does not matter.
      else this.end(status === 200 ? FAILED.tooLarge : this.#judge(status, NOTHING))
    })
    response.on("end", () => this.#finish(this.#judge(status, Buffer.concat(chunks))))
    response.on("error", () => this.#finish(FAILED.transport))
  }
}

const NOTHING = new Uint8Array(0)
