import { once } from "node:events"
import { connect, createServer, type Server, type Socket } from "node:net"

/** A TCP port of 127.0.0.1 that leads to a server until it is cut: then connections break, and new ones are refused. */
export class CuttableProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #cut = false

  private constructor(target: number) {
    this.#server = createServer((socket) => {
      if (this.#cut) {
        socket.destroy()
        return
      }
      const onward = connect(target, "127.0.0.1")
      this.#join(socket, onward)
      this.#join(onward, socket)
    })
  }

  static async to(target: number): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(target)
    proxy.#server.listen(0, "127.0.0.1")
    await once(proxy.#server, "listening")
    return proxy
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === "string") throw new Error("the proxy does not listen")
    return address.port
  }

  cut(): void {
    this.#cut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#cut = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    const closed = once(this.#server, "close")
    this.#server.close()
    await closed
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.setNoDelay(true)
    // It ends with "close", whatever the reason.
    from.on("error", () => undefined)
    from.on("close", () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    from.pipe(to)
  }
}
