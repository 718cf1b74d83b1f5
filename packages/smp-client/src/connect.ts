import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import type { ServiceRole } from "@sluice/smp-protocol/types"
import { BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import type { Credentials } from "@sluice/transport/credentials"
import { connectTls } from "@sluice/transport/tls-client"
import { type ConnectStage, SmpClientError } from "./client-error.ts"
import { type Clock, systemClock } from "./clock.ts"
import { connectError } from "./connect-error.ts"
import { type ConnectionOptions, SmpConnection } from "./connection.ts"
import { type Dial, tcpDial } from "./dial.ts"

/** Port of an address that has none (transport.md §2). */
export const DEFAULT_PORT = 5223

/** Who waits for an answer: a person, or a program that has time. Only chooses default time-outs. */
export type Patience = "interactive" | "background"

/** Time-outs of transport.md §2.6, ms. */
export const TIMEOUTS: Readonly<Record<Patience, { readonly connectMs: number; readonly commandMs: number }>> = {
  interactive: { connectMs: 15_000, commandMs: 10_000 },
  background: { connectMs: 45_000, commandMs: 30_000 },
}

/** The service that a client connects as (v16; role M v19). */
export interface ServiceOptions {
  readonly role: ServiceRole
  readonly credentials: Credentials
}

/** How to connect. Every option has a default. */
export interface ConnectOptions extends ConnectionOptions {
  readonly crypto?: CryptoBackend | undefined
  readonly clock?: Clock | undefined
  /** Default `background`. */
  readonly patience?: Patience | undefined
  /** Time for all of it: dialing every host, TLS, hello. Default by `patience`. */
  readonly connectTimeoutMs?: number | undefined
  /** Default TCP with the keep-alive settings of the reference; refuses onion hosts. */
  readonly dial?: Dial | undefined
  /** Versions to offer; default `CLIENT_RANGE` (6 to 20). */
  readonly range?: VersionRange | undefined
  readonly service?: ServiceOptions | undefined
  /** This client is a proxy and the server a relay: no block encryption, and at most v10 with relays below v14. */
  readonly proxyServer?: boolean | undefined
  /** ALPN names to offer; default `smp/1`. */
  readonly protocols?: readonly string[] | undefined
  /** Port for addresses without one; default 5223. */
  readonly defaultPort?: number | undefined
  /** Gives up; `connect` rejects with its reason. Has no effect on a connection that was made. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Connects to a server: its hosts are tried in order until one answers. Rejects with `SmpClientError` CONNECT or
 * TRANSPORT. A wrong identity or a refused hello ends the search: all hosts of an address are the same server.
 */
export async function connect(server: Server | ServerAddress, options: ConnectOptions = {}): Promise<SmpConnection> {
  const { clock = systemClock, signal } = options
  const deadline = clock.now() + (options.connectTimeoutMs ?? TIMEOUTS[options.patience ?? "background"].connectMs)
  let failure = new SmpClientError({ code: "CONNECT", stage: "DIAL" })
  for (const [index, host] of server.hosts.entries()) {
    // One host that swallows packets must not use up the time of the others.
    const share = (deadline - clock.now()) / (server.hosts.length - index)
    try {
      return await connectHost(server, host, share, options)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (!(error instanceof SmpClientError)) throw error
      failure = error
      if (!error.network) break
    }
  }
  throw failure
}

async function connectHost(
  server: Server | ServerAddress,
  host: string,
  timeoutMs: number,
  options: ConnectOptions,
): Promise<SmpConnection> {
  const { clock = systemClock, signal: outer } = options
  outer?.throwIfAborted()
  const timeout = new AbortController()
  const cancel = clock.after(timeoutMs, () => timeout.abort())
  const signal = outer === undefined ? timeout.signal : AbortSignal.any([timeout.signal, outer])
  let stage: ConnectStage = "DIAL"
  try {
    const socket = await (options.dial ?? tcpDial())({ host, port: portOf(server, options) }, signal)
    stage = "TLS"
    return await overSocket(socket, { server, host, signal, timeoutMs }, options)
  } catch (error) {
    throw connectError(error, timeout.signal.aborted ? "TIMEOUT" : stage)
  } finally {
    cancel()
  }
}

interface Attempt {
  readonly server: Server | ServerAddress
  readonly host: string
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

async function overSocket(
  dialed: Awaited<ReturnType<Dial>>,
  { server, host, signal, timeoutMs }: Attempt,
  options: ConnectOptions,
): Promise<SmpConnection> {
  const { crypto = nativeCrypto, clock = systemClock, service, range, proxyServer, protocols } = options
  const { keyHash } = server
  const tls = await connectTls({
    crypto,
    keyHash,
    host,
    port: 0,
    socket: dialed,
    service: service?.credentials,
    protocols,
    timeoutMs,
    keepAlive: false,
    signal,
    now: clock.unixSeconds(),
  }).catch((error: unknown) => {
    dialed.destroy()
    throw error
  })
  const stream = new BlockStream(tls.socket)
  const session = await clientHandshake(stream, {
    crypto,
    keyHash,
    sessionId: tls.sessionId,
    serverChain: tls.serverChain,
    timeoutMs,
    signal,
    ...(range && { range }),
    ...(proxyServer === true && { proxyServer }),
    ...(service && { service: { ...service, sentInTls: tls.certificateRequested } }),
  })
  const { commandMs, connectMs } = TIMEOUTS[options.patience ?? "background"]
  return new SmpConnection(
    {
      crypto,
      clock,
      server,
      password: "password" in server ? server.password : undefined,
      stream,
      session,
      serviceFingerprint: service?.credentials.fingerprint,
    },
    {
      ...options,
      commandTimeoutMs: options.commandTimeoutMs ?? commandMs,
      relayConnectMs: options.relayConnectMs ?? connectMs,
    },
  )
}

function portOf({ port }: Server, { defaultPort = DEFAULT_PORT }: ConnectOptions): number {
  return port === "" ? defaultPort : Number(port)
}
