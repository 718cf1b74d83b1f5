import { createServer, isIPv6, type Server, type ServerOpts, type Socket } from "node:net"
import { type Bind, formatBind } from "@sluice/ops/bind"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import { OperatorError } from "@sluice/ops/operator-error"
import type { PlainCounter } from "@sluice/ops/plain-metrics"
import { tuneTcp } from "@sluice/transport/tls-client"
import type { ListenAddress } from "./server.ts"

/** TCP keep-alive probes after the first: their distance in milliseconds, and how many without an answer end it. */
const PROBES = { intervalMs: 30_000, count: 4 }
/** Failures to accept come in floods; each is counted, and one in this many milliseconds logged. */
const ERROR_LOG_INTERVAL = 10_000

/** What a system without `SO_REUSEPORT`, or without dealing connections out, says. */
const UNSHARED = new Set(["ENOTSUP", "EINVAL", "ENOPROTOOPT"])

/** What a {@link Listener} is told. */
export interface ListenOptions {
  readonly binds: readonly Bind[]
  readonly backlog: number
  /** Milliseconds of silence before TCP probes; `undefined` for none. */
  readonly keepAlive: number | undefined
  /** Other processes of this user may listen on the same addresses: the system deals connections out among them. */
  readonly sharePort?: boolean | undefined
  /** Gets every socket, paused: nothing was read from it. */
  readonly onSocket: (socket: Socket) => void
}

export interface ListenComponents {
  readonly clock: Clock
  readonly log: Log
  readonly acceptErrors: PlainCounter
  /** Default that of `node:net`. */
  readonly createServer?: (options: ServerOpts) => Server
}

/** Accepts TCP connections on several addresses. */
export class Listener {
  readonly #options: ListenOptions
  readonly #components: ListenComponents
  readonly #servers: Server[] = []
  #loggedAt = -Infinity

  constructor(options: ListenOptions, components: ListenComponents) {
    this.#options = options
    this.#components = components
  }

  /** Where it listens, in the order of the options, with the ports that the system chose. */
  get addresses(): readonly ListenAddress[] {
    return this.#servers.filter(({ listening }) => listening).map(addressOf)
  }

  /** Binds all addresses. Rejects with `OperatorError` for one that cannot be used; call `stop` then. */
  async start(signal?: AbortSignal): Promise<void> {
    for (const bind of this.#options.binds) {
      signal?.throwIfAborted()
      await this.#listen(bind)
    }
  }

  /** Accepts no more. Resolves when every connection that was accepted here is closed. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  #listen(bind: Bind): Promise<void> {
    const { backlog, keepAlive, sharePort = false, onSocket } = this.#options
    const create = this.#components.createServer ?? createServer
    const server = create({ pauseOnConnect: true })
    server.on("connection", (socket: Socket) => {
      tuneTcp(socket, keepAlive !== undefined && { idleMs: keepAlive, ...PROBES })
      onSocket(socket)
    })
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        const code = "code" in error ? String(error.code) : "unknown error"
        const why = sharePort && UNSHARED.has(code) ? "this system cannot share a port among processes" : code
        reject(new OperatorError(`cannot listen on ${formatBind(bind)} (${why})`, { cause: error }))
      }
      server.once("error", fail)
      const { host, port } = bind
      const ipv6Only = this.#sharedWithIpv4(bind)
      server.listen({ host, port, backlog, ipv6Only, reusePort: sharePort }, () => {
        server.off("error", fail)
        server.on("error", (error) => this.#onAcceptError(error))
        this.#servers.push(server)
        resolve()
      })
    })
  }

  /** An IPv6 socket takes the port for IPv4, too, unless told not to: then it can't be bound for IPv4 on its own. */
  #sharedWithIpv4({ host, port }: Bind): boolean {
    if (host === undefined || !isIPv6(host) || port === 0) return false
    return this.#options.binds.some((other) => other.port === port && other.host !== undefined && !isIPv6(other.host))
  }

  /** For want of memory, for example: those who are connected are served on, and others can try again. */
  #onAcceptError(error: Error): void {
    const { clock, log, acceptErrors } = this.#components
    acceptErrors.value++
    const now = clock.monotonic()
    if (now - this.#loggedAt < ERROR_LOG_INTERVAL) return
    this.#loggedAt = now
    log.error("connections could not be accepted", { total: acceptErrors.value, error })
  }
}

function addressOf(server: Server): ListenAddress {
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("a listener without an address")
  return { host: address.address, port: address.port }
}
