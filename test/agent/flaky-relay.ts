import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import type { ServerAddress } from "@sluice/encoding/server-address"
import type { TestRelay } from "../support/relay.ts"
import { addressOf } from "./test-agent.ts"

/**
 * Stands before a relay, and cuts connections. What was on its way is lost then: commands, and answers to commands that the
 * relay has executed, so that both are repeated.
 */
export class FlakyRelay implements AsyncDisposable {
  readonly address: ServerAddress
  readonly #server: Server
  readonly #sockets: Set<Socket>

  private constructor(server: Server, sockets: Set<Socket>, address: ServerAddress) {
    this.#server = server
    this.#sockets = sockets
    this.address = address
  }

  static async before(relay: TestRelay): Promise<FlakyRelay> {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => join(socket, connect({ host: "127.0.0.1", port: relay.port }), sockets))
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const port = String((server.address() as AddressInfo).port)
    return new FlakyRelay(server, sockets, { ...addressOf(relay), port })
  }

  /** Cuts every connection for which `choose` says so. */
  cut(choose: () => boolean = () => true): void {
    for (const socket of this.#sockets) if (choose()) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, "close")
  }
}

function join(one: Socket, other: Socket, sockets: Set<Socket>): void {
  sockets.add(one)
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    socket.on("error", () => peer.destroy())
    socket.on("close", () => {
      sockets.delete(socket)
      peer.destroy()
    })
    socket.pipe(peer)
  }
}
