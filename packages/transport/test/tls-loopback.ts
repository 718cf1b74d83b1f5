import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from "node:tls"

/** How one side's TLS set-up ended. */
export type Outcome = { readonly socket: TLSSocket } | { readonly error: Error & { code?: string } }

/** Both sides of one attempt to connect; `close` destroys what is left of it. */
export interface Attempt {
  readonly server: Outcome
  readonly client: Outcome
}

/** A TLS server on a loopback port that keeps what comes. */
export class Loopback implements AsyncDisposable {
  readonly #server: ReturnType<typeof createServer>
  readonly #sockets = new Set<TLSSocket>()

  private constructor(options: TlsOptions) {
    this.#server = createServer(options)
  }

  static async listen(options: TlsOptions): Promise<Loopback> {
    const loopback = new Loopback(options)
    loopback.#server.listen(0, "127.0.0.1")
    await once(loopback.#server, "listening")
    return loopback
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Renews the certificate of the running server. */
  setSecureContext(options: TlsOptions): void {
    this.#server.setSecureContext(options)
  }

  /** The outcome of the next connection at the server. */
  accept(): Promise<Outcome> {
    return new Promise((resolve) => {
      const done = (outcome: Outcome): void => {
        this.#server.off("secureConnection", secured).off("tlsClientError", failed)
        resolve(outcome)
      }
      const secured = (socket: TLSSocket): void => {
        this.#keep(socket)
        done({ socket })
      }
      const failed = (error: Error): void => done({ error })
      this.#server.on("secureConnection", secured).on("tlsClientError", failed)
    })
  }

  /** Connects with the given options and waits for both sides. */
  async attempt(options: ConnectionOptions): Promise<Attempt> {
    const server = this.accept()
    const client = new Promise<Outcome>((resolve) => {
      const socket = connect({ ...options, host: "127.0.0.1", port: this.port })
      this.#keep(socket)
      socket.once("secureConnect", () => resolve({ socket }))
      socket.once("error", (error) => resolve({ error }))
    })
    return { client: await client, server: await server }
  }

  #keep(socket: TLSSocket): void {
    this.#sockets.add(socket)
    socket.on("error", () => socket.destroy())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, "close")
  }
}

/** The socket of a side that must have succeeded. */
export function socketOf(outcome: Outcome): TLSSocket {
  if ("socket" in outcome) return outcome.socket
  throw outcome.error
}

/** The code of a side that must have failed. */
export function codeOf(outcome: Outcome): string | undefined {
  if ("error" in outcome) return outcome.error.code
  outcome.socket.destroy()
  return undefined
}
