import { connect, createServer, type Server, type Socket } from "node:net"

/**
 * What a {@link TurnableLink} does with what goes to the server: passes it on; reads it and does nothing; does not even
 * read it; or closes new connections at once.
 */
export type LinkState = "open" | "silent" | "unread" | "refusing"

/** A TCP port of 127.0.0.1 that leads to a server, and can be turned into one that does not answer. */
export class TurnableLink implements AsyncDisposable {
  readonly #server: Server
  readonly #pairs = new Map<Socket, Socket>()
  #target: number
  #state: LinkState

  private constructor(target: number, state: LinkState) {
    this.#target = target
    this.#state = state
    this.#server = createServer((socket) => this.#accepted(socket))
  }

  /** `target` is the server's port. */
  static async to(target: number, state: LinkState = "open"): Promise<TurnableLink> {
    const link = new TurnableLink(target, state)
    await new Promise<void>((resolve) => link.#server.listen(0, "127.0.0.1", resolve))
    return link
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === "string") throw new Error("the link does not listen")
    return address.port
  }

  /** Connections through it. */
  get connections(): number {
    return this.#pairs.size
  }

  turn(state: LinkState): void {
    this.#state = state
    for (const socket of this.#pairs.keys()) {
      if (state === "unread") socket.pause()
      else socket.resume()
    }
  }

  /** New connections go to this port, where the server is now. */
  lead(target: number): void {
    this.#target = target
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const [socket, onward] of this.#pairs) {
      socket.destroy()
      onward.destroy()
    }
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
    })
  }

  #accepted(socket: Socket): void {
    if (this.#state === "refusing") {
      socket.destroy()
      return
    }
    const onward = connect({ port: this.#target, host: "127.0.0.1", noDelay: true })
    socket.setNoDelay(true)
    this.#pairs.set(socket, onward)
    socket.on("data", (bytes) => {
      if (this.#state === "open") onward.write(bytes)
    })
    onward.on("data", (bytes) => {
      if (this.#state === "open") socket.write(bytes)
    })
    // Whichever end goes takes the other one with it; why it went is for the two ends to see.
    for (const [end, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      end.on("error", () => end.destroy())
      end.on("close", () => {
        other.destroy()
        this.#pairs.delete(socket)
      })
    }
  }
}
