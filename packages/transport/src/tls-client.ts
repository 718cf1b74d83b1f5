import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { connect, type TLSSocket } from "node:tls"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { validateServerChain } from "./chain-validation.ts"
import type { Credentials } from "./credentials.ts"
import { networkError, TransportError } from "./errors.ts"
import { clientTlsOptions } from "./tls.ts"
import { channelBinding, peerChain } from "./tls-connection.ts"

/** Where and how to connect. */
export interface ConnectTlsOptions {
  readonly crypto: CryptoBackend
  /** Fingerprint in the server's address, 32 bytes. */
  readonly keyHash: Uint8Array
  /** Host name or address; used to connect, never sent or compared. */
  readonly host: string
  readonly port: number
  /** A connection that is already there, to a SOCKS proxy for example; then `host` and `port` are not used. */
  readonly socket?: Duplex
  /** Shown if the server asks for a certificate. */
  readonly service?: Credentials | undefined
  /** ALPN names to offer; default `smp/1` alone. */
  readonly protocols?: readonly string[] | undefined
  /** Milliseconds for TCP and TLS together; default 45000 (transport.md §2.6). */
  readonly timeoutMs?: number
  /** TCP keep-alive, `false` for none; default {@link DEFAULT_KEEP_ALIVE}. */
  readonly keepAlive?: KeepAlive | false
  /** Gives up early. */
  readonly signal?: AbortSignal
  /** Present time in Unix seconds, which certificates are judged by. */
  readonly now: number
}

/** TCP keep-alive: probes after a time of silence, and how many may stay unanswered. Milliseconds. */
export interface KeepAlive {
  readonly idleMs: number
  readonly intervalMs: number
  readonly count: number
}

/** Keep-alive of the reference's clients (transport.md §2.6). */
export const DEFAULT_KEEP_ALIVE: KeepAlive = { idleMs: 30_000, intervalMs: 15_000, count: 4 }

/** A connection to a server whose identity was verified. */
export interface ConnectedTls {
  readonly socket: TLSSocket
  /** Channel binding: our own Finished, 32 bytes on TLS 1.3, 12 on TLS 1.2 (transport.md §2.5). */
  readonly sessionId: Uint8Array
  /** DER of the server's certificates, leaf first. */
  readonly serverChain: readonly Uint8Array[]
  /** The server asked for a certificate, so `service`, if given, was shown. */
  readonly certificateRequested: boolean
}

const DEFAULT_TIMEOUT_MS = 45_000

/**
 * Connects and verifies the server. Rejects with `TransportError` (network): CONNECT or TLS with the code of the failure,
 * UNKNOWNCA for another identity than `keyHash`, TIMEOUT; or `closed` when given up by `signal`.
 */
export function connectTls(options: ConnectTlsOptions): Promise<ConnectedTls> {
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(givenUp(signal))
    let connected = options.socket !== undefined
    const socket = connect({ ...clientTlsOptions(options), ...target(options) })
    const settle = (result: ConnectedTls | TransportError): void => {
      clearTimeout(timer)
      signal?.removeEventListener("abort", abort)
      socket.off("error", fail).off("close", close)
      // Errors between here and the next owner of the socket, or after it was given up.
      socket.on("error", ignore)
      if (result instanceof TransportError) {
        socket.destroy()
        reject(result)
      } else {
        resolve(result)
      }
    }
    const abort = (): void => settle(givenUp(signal))
    const fail = (error: Error): void =>
      settle(networkError({ type: connected ? "TLS" : "CONNECT", text: codeOf(error) }, error))
    const close = (): void => settle(networkError({ type: connected ? "TLS" : "CONNECT", text: "closed" }))
    const timer = setTimeout(() => settle(networkError({ type: "TIMEOUT" })), timeoutMs)
    signal?.addEventListener("abort", abort)
    socket.on("error", fail).on("close", close)
    socket.once("connect", () => {
      connected = true
    })
    socket.once("secureConnect", () => settle(verified(socket, options)))
    tuneTcp(socket, options.keepAlive ?? DEFAULT_KEEP_ALIVE)
  })
}

/** TCP_NODELAY, as every write is a whole block, and keep-alive. */
export function tuneTcp(socket: Socket, keepAlive: KeepAlive | false): void {
  socket.setNoDelay(true)
  if (keepAlive === false) return
  // Interval and count are newer than Node's type definitions; older versions ignore them.
  const setKeepAlive: (on: boolean, idleMs: number, intervalMs?: number, count?: number) => Socket = socket.setKeepAlive
  setKeepAlive.call(socket, true, keepAlive.idleMs, keepAlive.intervalMs, keepAlive.count)
}

function target({ socket, host, port }: ConnectTlsOptions): { socket: Duplex } | { host: string; port: number } {
  return socket === undefined ? { host, port } : { socket }
}

function verified(socket: TLSSocket, options: ConnectTlsOptions): ConnectedTls | TransportError {
  const serverChain = peerChain(socket)
  const rejection = validateServerChain(options.crypto, serverChain, options.keyHash, options.now)
  if (rejection === "UNKNOWN_CA") return networkError({ type: "UNKNOWNCA" })
  if (rejection !== undefined) return networkError({ type: "TLS", text: `server certificate ${rejection}` })
  try {
    const sessionId = channelBinding(socket.getFinished())
    // Only a request for a certificate tells a client which signatures the server takes.
    return { socket, sessionId, serverChain, certificateRequested: socket.getSharedSigalgs().length > 0 }
  } catch (error) {
    if (error instanceof TransportError) return error
    throw error
  }
}

function givenUp(signal: AbortSignal | undefined): TransportError {
  return new TransportError({ kind: "closed", reason: "closed" }, { cause: signal?.reason })
}

/** The code of a system or TLS error, never its text, which may hold addresses. */
function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "failed"
}

function ignore(): void {
  // Whoever reads or writes the socket hears of it by its closing.
}
