import { connect, type Socket } from "node:net"
import { fromLatin1, latin1 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Clock, Timer } from "@sluice/ops/clock"
import { FRAME, frame, MAX_UNSENT, readFrames } from "./frames.ts"
import { LinkError, type LinkHandler, type NodeLink } from "./node-link.ts"

/** Milliseconds of a lease. */
export const LEASE = 5_000
/** Renewals in the time of a lease. */
const RENEWALS = 4
/** Waiting time before the hub is tried again, milliseconds. */
const RETRY = 200

export interface SocketLinkOptions {
  /** Path of the hub's Unix socket. */
  readonly path: string
  /** Milliseconds; as the hub has it. */
  readonly lease?: number
}

export interface SocketLinkComponents {
  /** Name of this node: up to 64 printable ASCII characters. */
  readonly node: string
  readonly clock: Clock
}

/** Joins the hub of the workers of this machine. */
export function socketLink({ path, lease = LEASE }: SocketLinkOptions): (components: SocketLinkComponents) => NodeLink {
  return ({ node, clock }) => new SocketLink(path, lease, node, clock)
}

class SocketLink implements NodeLink {
  readonly direct = true
  readonly node: string
  readonly #path: string
  readonly #lease: number
  readonly #clock: Clock
  readonly #others = new Set<string>()
  readonly #orders = new Map<number, PromiseWithResolvers<number>>()
  #handler: LinkHandler | undefined
  #socket: Socket | undefined
  #joined = false
  #hadLease = false
  /** Until when the lease holds for sure, monotonic milliseconds. */
  #until = 0
  #request = 0
  /** The ping that is not answered yet, and when it was sent. */
  #ping: { readonly request: number; readonly at: number } | undefined
  #renewal: Timer | undefined
  #retry: Timer | undefined
  #started: PromiseWithResolvers<void> | undefined
  #stopped = false

  constructor(path: string, lease: number, node: string, clock: Clock) {
    this.node = node
    this.#path = path
    this.#lease = lease
    this.#clock = clock
  }

  get others(): ReadonlySet<string> {
    return this.#others
  }

  holdsLease(): boolean {
    return this.#joined && this.#clock.monotonic() < this.#until
  }

  start(handler: LinkHandler): Promise<void> {
    this.#handler = handler
    this.#started = Promise.withResolvers()
    this.#connect()
    return this.#started.promise
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#handler = undefined
    this.#renewal?.cancel()
    this.#retry?.cancel()
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined && !socket.destroyed) {
      // What was written still leaves.
      await new Promise<void>((resolve) => {
        socket.once("close", () => resolve())
        socket.end(() => socket.destroy())
      })
    }
    this.#lost()
  }

  publish(node: string, payload: Uint8Array): Promise<void> {
    return this.#send(frame(FRAME.publish, (w) => w.short(latin1(node)).raw(payload), payload.length + 72))
  }

  broadcast(payload: Uint8Array): Promise<void> {
    return this.publish("", payload)
  }

  async nextOrder(): Promise<number> {
    const request = this.#nextRequest()
    const order = Promise.withResolvers<number>()
    this.#orders.set(request, order)
    try {
      await this.#send(frame(FRAME.order, (w) => w.u32(request)))
      return await order.promise
    } finally {
      this.#orders.delete(request)
    }
  }

  #send(bytes: Uint8Array): Promise<void> {
    const socket = this.#socket
    if (socket === undefined || !this.#joined || socket.writableLength > MAX_UNSENT) {
      return Promise.reject(new LinkError("no connection to the hub of the workers"))
    }
    socket.write(bytes)
    return Promise.resolve()
  }

  #connect(): void {
    const socket = connect(this.#path)
    this.#socket = socket
    const askedAt = this.#clock.monotonic()
    socket.on("connect", () => socket.write(frame(FRAME.join, (w) => w.short(latin1(this.node)))))
    let failure: Error | undefined
    socket.on("error", (error) => {
      failure = error
    })
    socket.on("close", () => this.#closed(socket, failure))
    readFrames(socket, (kind, body) => this.#received(kind, body, askedAt))
  }

  #closed(socket: Socket, failure: Error | undefined): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    this.#lost()
    if (this.#stopped) return
    if (this.#started !== undefined) {
      this.#stopped = true
      this.#started.reject(new LinkError("the hub of the workers can't be reached", { cause: failure }))
      this.#started = undefined
      return
    }
    this.#retry = this.#clock.setTimeout(() => this.#connect(), RETRY, { background: true })
  }

  #lost(): void {
    this.#joined = false
    this.#ping = undefined
    this.#renewal?.cancel()
    this.#others.clear()
    for (const order of this.#orders.values()) order.reject(new LinkError("no connection to the hub of the workers"))
  }

  #received(kind: number, body: Reader, askedAt: number): void {
    switch (kind) {
      case FRAME.welcome:
        this.#welcomed(body, askedAt)
        return
      case FRAME.joined: {
        const node = fromLatin1(body.short("name"))
        this.#others.add(node)
        this.#handler?.joined(node)
        return
      }
      case FRAME.ended: {
        const node = fromLatin1(body.short("name"))
        if (this.#others.delete(node)) this.#handler?.ended(node)
        return
      }
      case FRAME.payload:
        this.#handler?.received(body.tail())
        return
      case FRAME.ordered: {
        const request = body.u32("request")
        this.#orders.get(request)?.resolve(Number(body.int64("order")))
        return
      }
      case FRAME.pong:
        this.#renewed(body.u32("request"))
        return
      default:
        throw new DecodeError("frame: kind")
    }
  }

  #welcomed(body: Reader, askedAt: number): void {
    while (body.remaining > 0) this.#others.add(fromLatin1(body.short("name")))
    this.#joined = true
    this.#until = askedAt + this.#lease
    this.#renewLater()
    this.#started?.resolve()
    this.#started = undefined
    for (const other of this.#others) this.#handler?.joined(other)
    if (this.#hadLease) this.#handler?.leaseLost()
    this.#hadLease = true
  }

  #renewLater(): void {
    this.#renewal?.cancel()
    this.#renewal = this.#clock.setTimeout(() => this.#renew(), this.#lease / RENEWALS, { background: true })
  }

  #renew(): void {
    if (this.#ping === undefined) {
      const request = this.#nextRequest()
      this.#ping = { request, at: this.#clock.monotonic() }
      this.#socket?.write(frame(FRAME.ping, (w) => w.u32(request)))
    }
    this.#renewLater()
  }

  #renewed(request: number): void {
    if (this.#ping?.request !== request) return
    const lapsed = !this.holdsLease()
    this.#until = this.#ping.at + this.#lease
    this.#ping = undefined
    // The hub kept the lease, but this process stood still for so long that it dropped what came meanwhile.
    if (lapsed && this.holdsLease()) this.#handler?.interrupted()
  }

  #nextRequest(): number {
    this.#request = (this.#request + 1) >>> 0
    return this.#request
  }
}
