import { once } from "node:events"
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer, type TLSSocket } from "node:tls"
import { nativeCrypto as c } from "@sluice/crypto/native"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { BlockStream } from "@sluice/transport/block-stream"
import { serverHandshake, serverHello } from "@sluice/transport/server-handshake"
import { serverTlsOptions } from "@sluice/transport/tls"
import { acceptTls } from "@sluice/transport/tls-connection"
import { CREDENTIALS } from "../../packages/smp-client/test/fake-server.ts"

/** What becomes of an accepted connection. */
export type Accept<S extends Socket> = (socket: S) => void

/** A server on a loopback port that does not know the protocol, or does not care. */
export class HostileServer<S extends Socket = Socket> implements AsyncDisposable {
  /** Changed by tests between connections. */
  accept: Accept<S>
  accepted = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, accept: Accept<S>) {
    this.#server = server
    this.accept = accept
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket))
    })
  }

  /** Right after TCP. */
  static async tcp(accept: Accept<Socket>, port = 0): Promise<HostileServer> {
    const hostile = new HostileServer(createTcpServer(), accept)
    hostile.#server.on("connection", (socket: Socket) => hostile.#take(socket))
    return hostile.#listen(port)
  }

  /** After TLS with the certificates of the fake servers. */
  static async tls(accept: Accept<TLSSocket>): Promise<HostileServer<TLSSocket>> {
    const hostile = new HostileServer<TLSSocket>(createTlsServer(serverTlsOptions(CREDENTIALS)), accept)
    hostile.#server.on("tlsClientError", () => undefined)
    hostile.#server.on("secureConnection", (socket: TLSSocket) => {
      socket.on("error", () => undefined)
      hostile.#take(socket)
    })
    return hostile.#listen(0)
  }

  get address(): ServerAddress {
    const { port } = this.#server.address() as AddressInfo
    return { scheme: "smp", keyHash: CREDENTIALS.fingerprint, hosts: ["127.0.0.1"], port: String(port) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close")
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async #listen(port: number): Promise<this> {
    this.#server.listen(port, "127.0.0.1")
    await once(this.#server, "listening")
    return this
  }

  #take(socket: S): void {
    this.accepted++
    this.accept(socket)
  }
}

/** The content of the hello that an honest server would send on this connection. */
export function honestHello(socket: TLSSocket): Uint8Array {
  const { sessionId } = acceptTls(socket, { crypto: c, now: Math.floor(Date.now() / 1000) })
  const range = { min: 6, max: 20 }
  return serverHello({ crypto: c, credentials: CREDENTIALS, sessionId, range }, c.generateKeyPair("x25519"))
}

/** The server's part of the handshake as it should be. */
export async function honestHandshake(socket: TLSSocket): Promise<void> {
  const { sessionId, clientChain } = acceptTls(socket, { crypto: c, now: Math.floor(Date.now() / 1000) })
  const range = { min: 6, max: 20 }
  await serverHandshake(new BlockStream(socket), { crypto: c, credentials: CREDENTIALS, sessionId, range, clientChain })
}
