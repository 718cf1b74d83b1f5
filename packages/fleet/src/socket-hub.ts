import { once } from "node:events"
import { unlink } from "node:fs/promises"
import { createServer, type Server, type Socket } from "node:net"
import { fromLatin1, latin1 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Clock, Timer } from "@sluice/ops/clock"
import { FRAME, frame, MAX_UNSENT, readFrames } from "./frames.ts"
import { MAX_NODE_NAME } from "./node-link.ts"
import { LEASE } from "./socket-link.ts"

export interface SocketHubOptions {
  /** Path of the Unix socket, at most 103 bytes; a file that is there already is replaced. */
  readonly path: string
  /** Milliseconds of silence after which a worker counts as dead; its links must have the same. */
  readonly lease?: number
}

/** Joins the processes of one machine. It belongs to the process that starts and ends them. */
export interface SocketHub extends AsyncDisposable {
  /** Names of those that take part. */
  readonly nodes: readonly string[]
  close(): Promise<void>
}

interface Member {
  readonly socket: Socket
  readonly node: string
  readonly timer: Timer
}

/**
 * Opens the hub. A lease is the connection: it ends when the kernel closes it, at the moment in which a worker dies. A
 * worker that stands still is noticed by its silence.
 */
export async function openSocketHub(
  options: SocketHubOptions,
  { clock }: { readonly clock: Clock },
): Promise<SocketHub> {
  const hub = new Hub(clock, options.lease ?? LEASE)
  await unlink(options.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error
  })
  hub.server.listen(options.path)
  await once(hub.server, "listening")
  return hub
}

class Hub implements SocketHub {
  readonly server: Server
  readonly #clock: Clock
  readonly #lease: number
  readonly #members = new Map<string, Member>()
  readonly #sockets = new Set<Socket>()
  /** Grows over a restart of the hub as well. */
  #order: number

  constructor(clock: Clock, lease: number) {
    this.#clock = clock
    this.#lease = lease
    this.#order = clock.now() * 1000
    this.server = createServer((socket) => this.#accept(socket))
  }

  get nodes(): readonly string[] {
    return [...this.#members.keys()]
  }

  async close(): Promise<void> {
    if (!this.server.listening) return
    const closed = once(this.server, "close")
    this.server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #accept(socket: Socket): void {
    let member: Member | undefined
    this.#sockets.add(socket)
    // The connection ends with "close", whatever the reason.
    socket.on("error", () => undefined)
    socket.on("close", () => {
      this.#sockets.delete(socket)
      if (member !== undefined) this.#ended(member)
    })
    readFrames(socket, (kind, body) => {
      if (kind === FRAME.join) {
        if (member !== undefined) throw new DecodeError("frame: a second name")
        member = this.#join(socket, nameIn(body))
      } else if (member === undefined) {
        throw new DecodeError("frame: no name yet")
      } else {
        member.timer.refresh()
        this.#received(member, kind, body)
      }
    })
  }

  #join(socket: Socket, node: string): Member {
    const others = this.#others(node)
    const earlier = this.#members.get(node)
    if (earlier !== undefined) {
      this.#ended(earlier)
      earlier.socket.destroy()
    }
    const timer = this.#clock.setTimeout(() => socket.destroy(), this.#lease, { background: true })
    const member: Member = { socket, node, timer }
    this.#members.set(node, member)
    send(
      socket,
      frame(FRAME.welcome, (w) => {
        for (const other of others) w.short(latin1(other.node))
      }),
    )
    for (const other of others) send(other.socket, named(FRAME.joined, node))
    return member
  }

  #ended(member: Member): void {
    member.timer.cancel()
    if (this.#members.get(member.node) !== member) return
    this.#members.delete(member.node)
    for (const other of this.#members.values()) send(other.socket, named(FRAME.ended, member.node))
  }

  #received(from: Member, kind: number, body: Reader): void {
    switch (kind) {
      case FRAME.publish: {
        const to = fromLatin1(body.short("name"))
        const payload = body.tail()
        const bytes = frame(FRAME.payload, (w) => w.raw(payload), payload.length + 5)
        if (to === "") for (const other of this.#others(from.node)) send(other.socket, bytes)
        else {
          const member = this.#members.get(to)
          if (member !== undefined) send(member.socket, bytes)
        }
        return
      }
      case FRAME.order: {
        const request = body.u32("request")
        const order = ++this.#order
        send(
          from.socket,
          frame(FRAME.ordered, (w) => w.u32(request).int64(order)),
        )
        return
      }
      case FRAME.ping: {
        const request = body.u32("request")
        send(
          from.socket,
          frame(FRAME.pong, (w) => w.u32(request)),
        )
        return
      }
      default:
        throw new DecodeError("frame: kind")
    }
  }

  #others(node: string): Member[] {
    return [...this.#members.values()].filter((member) => member.node !== node)
  }
}

function nameIn(body: Reader): string {
  const bytes = body.short("name")
  body.end()
  if (bytes.length === 0 || bytes.length > MAX_NODE_NAME) throw new DecodeError("frame: name")
  return fromLatin1(bytes)
}

function named(kind: number, node: string): Uint8Array {
  return frame(kind, (w) => w.short(latin1(node)))
}

/** A worker that does not read is cut off, and finds out what it missed when it is back. */
function send(socket: Socket, bytes: Uint8Array): void {
  if (socket.writableLength > MAX_UNSENT) socket.destroy()
  else socket.write(bytes)
}
