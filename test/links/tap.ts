import { once } from "node:events"
import { connect, createServer, type Server, type Socket } from "node:net"

/** A wire between a browser and a server that keeps a copy of everything that the browser sends. */
export class Tap implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #sent: Buffer[] = []

  private constructor(target: number) {
    this.#server = createServer((near) => {
      const far = connect(target, "127.0.0.1")
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on("error", () => socket.destroy()).on("close", () => this.#sockets.delete(socket))
      }
      near.on("data", (bytes) => this.#sent.push(bytes))
      near.pipe(far).pipe(near)
    })
  }

  static async start(target: number): Promise<Tap> {
    const tap = new Tap(target)
    tap.#server.listen(0, "127.0.0.1")
    await once(tap.#server, "listening")
    return tap
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === "string") throw new Error("the tap does not listen")
    return address.port
  }

  /** All that went over the wire towards the server. */
  get sent(): Buffer {
    return Buffer.concat(this.#sent)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
