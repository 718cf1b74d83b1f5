import { once } from "node:events"
import type { Server as HttpServer } from "node:http"
import { createServer, type Server } from "node:net"
import type { ListenAt } from "@sluice/ops/http-listen"

/**
 * Further addresses of an HTTP server: what they accept is handed to it as if it had accepted it itself, so that its TLS,
 * its limits of time and its handlers are the same for all. The bound on connections holds for each address.
 */
export class SideDoors {
  readonly #server: HttpServer
  readonly #doors: Server[] = []

  constructor(server: HttpServer) {
    this.#server = server
  }

  /** Listens on one more address. Rejects with what the system says. */
  async open({ host, port }: ListenAt): Promise<void> {
    const door = createServer((socket) => this.#server.emit("connection", socket))
    door.maxConnections = this.#server.maxConnections
    door.listen({ host, port })
    await once(door, "listening")
    this.#doors.push(door)
  }

  /** Accepts no more; connections that are open are the server's to end. */
  close(): void {
    for (const door of this.#doors.splice(0)) door.close()
  }
}
