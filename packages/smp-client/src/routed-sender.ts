import { toHex } from "@sluice/encoding/bytes"
import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import { Backoff } from "./backoff.ts"
import { type ClientOptions, SmpClient } from "./client.ts"
import { SmpClientError } from "./client-error.ts"
import { type Clock, systemClock } from "./clock.ts"
import type { ProxiedRelay } from "./proxied-relay.ts"
import type { SenderQueue } from "./queue-types.ts"
import type { AuthKeyPair, CallOptions } from "./request.ts"
import {
  chooseProxy,
  fallbackAllowed,
  proxyUnusable,
  type RoutingPolicy,
  retriesLater,
  routeTo,
} from "./routing-policy.ts"
import type { SendOptions } from "./sender-commands.ts"
import { SendingLane } from "./sending-lane.ts"
import type { SmpCommands } from "./smp-commands.ts"

/** How a {@link RoutedSender} sends. */
export interface RoutedSenderOptions extends RoutingPolicy {
  /** The user's relays, which may serve as proxies; at least one unless `use` is `never`. */
  readonly own: readonly ServerAddress[]
  /** Whether a server can't learn the user's network address, see `addressProtected`; default that it can. */
  readonly isProtected?: ((server: Server) => boolean) | undefined
  /** Of all connections. Its `backoff`, `random` and `clock` are also those of commands that are tried again. */
  readonly client?: ClientOptions | undefined
  /** Commands that may wait, those under way included; further ones fail as BUSY. Default 4096. */
  readonly maxQueued?: number | undefined
}

/** How a command that succeeded went. */
export interface Routed {
  readonly viaProxy: boolean
}

/** A relay that commands go to. */
interface Destination {
  readonly server: Server
  readonly lane: SendingLane
  /** Waits between attempts, growing until one succeeds. */
  readonly backoff: Backoff
  /** Chosen with the first command that needs it, and kept. */
  proxy: ServerAddress | undefined
  relay: ProxiedRelay | undefined
}

type Send = (relay: SmpCommands, call: CallOptions) => Promise<void>

/**
 * Sends commands of senders to any relay, through a proxy where the policy says so (proxy.md §7). There is one connection
 * for each server. The commands for one relay go one after another, in the order of the calls; those for different relays
 * do not wait for each other.
 *
 * While proxy or relay are away, a command is tried again with growing pauses until it succeeds, its signal gives it up,
 * or the sender is closed. A connection may be lost after the relay has taken a message: it can arrive twice then.
 * Everything else that goes wrong is thrown as `SmpClientError`, as by a direct connection.
 */
export class RoutedSender implements AsyncDisposable {
  readonly #options: RoutedSenderOptions
  readonly #clock: Clock
  readonly #random: () => number
  readonly #limit: number
  readonly #closing = new AbortController()
  readonly #clients = new Map<string, SmpClient>()
  readonly #destinations = new Map<string, Destination>()

  /** Throws `RangeError` if a proxy may be needed and there is none. */
  constructor(options: RoutedSenderOptions) {
    if (options.own.length === 0 && options.use !== "never") throw new RangeError("no relay that could be a proxy")
    this.#options = options
    this.#clock = options.client?.clock ?? systemClock
    this.#random = options.client?.random ?? Math.random
    this.#limit = options.maxQueued ?? 4096
  }

  /** Commands that wait or are under way. */
  get queued(): number {
    let sum = 0
    for (const { lane } of this.#destinations.values()) sum += lane.size
    return sum
  }

  /** `SEND` to a queue of this relay. */
  sendMessage(server: Server, queue: SenderQueue, body: Uint8Array, options: SendOptions = {}): Promise<Routed> {
    return this.#enter(server, "SEND", options, (relay, call) =>
      relay.sendMessage(queue, body, { ...options, ...call }),
    )
  }

  /** `SKEY` for a queue of this relay. */
  secureAsSender(server: Server, queue: SenderQueue, keys: AuthKeyPair, call: CallOptions = {}): Promise<Routed> {
    return this.#enter(server, "SKEY", call, (relay, inner) => relay.secureAsSender(queue, keys, inner))
  }

  /** Closes all connections. Commands that wait fail as CLOSED. */
  async close(): Promise<void> {
    this.#closing.abort(new SmpClientError({ code: "CLOSED" }))
    await Promise.all([...this.#clients.values()].map((client) => client.close()))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #enter(server: Server, command: string, call: CallOptions, send: Send): Promise<Routed> {
    if (this.queued >= this.#limit) throw new SmpClientError({ code: "BUSY", command })
    const closing = this.#closing.signal
    const signal = call.signal === undefined ? closing : AbortSignal.any([call.signal, closing])
    const destination = this.#destination(server)
    return await destination.lane.run(signal, () => this.#deliver(destination, send, { ...call, signal }))
  }

  /** Tries until it succeeds, or there is no sense in trying. */
  async #deliver(to: Destination, send: Send, call: CallOptions & { signal: AbortSignal }): Promise<Routed> {
    for (;;) {
      try {
        call.signal.throwIfAborted()
        const routed = await this.#attempt(to, send, call)
        to.backoff.reset()
        return routed
      } catch (error) {
        if (call.signal.aborted || !retriesLater(error)) throw error
        await pause(this.#clock, to.backoff.next(), call.signal)
      }
    }
  }

  async #attempt(to: Destination, send: Send, call: CallOptions): Promise<Routed> {
    const { use, fallback, own, isProtected = () => false } = this.#options
    const safe = isProtected(to.server)
    if (routeTo(to.server, use, own, safe) === "proxy") {
      try {
        await send(await this.#behindProxy(to, call), call)
        return { viaProxy: true }
      } catch (error) {
        if (!(proxyUnusable(error) && fallbackAllowed(fallback, safe))) throw error
      }
    }
    await send(this.#client(to.server), call)
    return { viaProxy: false }
  }

  async #behindProxy(to: Destination, call: CallOptions): Promise<ProxiedRelay> {
    to.proxy ??= chooseProxy(to.server, this.#options.own, this.#random)
    if (to.proxy === undefined) throw new RangeError("no relay that could be a proxy")
    to.relay ??= await this.#client(to.proxy).openRelay(to.server, {}, call)
    return to.relay
  }

  #destination(server: Server): Destination {
    const key = keyOf(server)
    const known = this.#destinations.get(key)
    if (known !== undefined) return known
    const backoff = new Backoff(this.#options.client?.backoff ?? {}, this.#random)
    const destination = { server, lane: new SendingLane(), backoff, proxy: undefined, relay: undefined }
    this.#destinations.set(key, destination)
    return destination
  }

  #client(server: Server): SmpClient {
    const key = keyOf(server)
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    // One that is made after `close` would be closed by nobody.
    this.#closing.signal.throwIfAborted()
    // A relay may be destination first and proxy later; only the user's own address has the password for that.
    const address = this.#options.own.find((one) => keyOf(one) === key) ?? server
    const client = new SmpClient(address, this.#options.client)
    this.#clients.set(key, client)
    return client
  }
}

/** Addresses with the same hosts and port share a connection. */
function keyOf({ keyHash, hosts, port }: Server): string {
  return `${toHex(keyHash)}@${hosts.join(",")}:${port}`
}

/** Ends early when the signal is aborted. */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      cancel()
      signal.removeEventListener("abort", done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    signal.addEventListener("abort", done, { once: true })
  })
}
