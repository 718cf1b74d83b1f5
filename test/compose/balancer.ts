import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"

/** Deals TCP connections out to ports of this machine, one after the other. */
export class Balancer {
  readonly #targets: { readonly port: number; connections: number }[] = []
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((socket) => this.#accept(socket))
  #next = 0

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1")
    await once(this.#server, "listening")
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === "string") throw new Error("the balancer does not listen")
    return address.port
  }

  /** Connections that each target got. */
  get dealt(): readonly number[] {
    return this.#targets.map(({ connections }) => connections)
  }

  add(port: number): void {
    this.#targets.push({ port, connections: 0 })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, "close")
    this.#server.close()
    await closed
  }

  #accept(socket: Socket): void {
    const target = this.#targets[this.#next++ % this.#targets.length]
    if (target === undefined) {
      socket.destroy()
      return
    }
    target.connections++
    const onward = connect(target.port, "127.0.0.1")
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one)
      // It ends with "close", whatever the reason.
      one.on("error", () => undefined)
      one.on("close", () => {
        this.#sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
}
