import { nativeCrypto } from "@sluice/crypto/native"
import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import type { ServiceRole } from "@sluice/smp-protocol/types"
import { BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import type { Credentials } from "@sluice/transport/credentials"
import { connectTls } from "@sluice/transport/tls-client"
import { systemClock } from "./clock.ts"
import { type ConnectionOptions, SmpConnection } from "./connection.ts"
import { type Attempt, type ReachOptions, reach, TIMEOUTS } from "./reach.ts"

/** Port of an address that has none (transport.md §2). */
export const DEFAULT_PORT = 5223

/** The service that a client connects as (v16; role M v19). */
export interface ServiceOptions {
  readonly role: ServiceRole
  readonly credentials: Credentials
}

/** How to connect. Every option has a default. */
export interface ConnectOptions extends ConnectionOptions, ReachOptions {
  /** Versions to offer; default `CLIENT_RANGE` (6 to 20). */
  readonly range?: VersionRange | undefined
  readonly service?: ServiceOptions | undefined
  /** This client is a proxy and the server a relay: no block encryption, and at most v10 with relays below v14. */
  readonly proxyServer?: boolean | undefined
  /** Port for addresses without one; default 5223. */
  readonly defaultPort?: number | undefined
}

/**
 * Connects to a server: its hosts are tried in order until one answers. Rejects with `SmpClientError` CONNECT or
 * TRANSPORT. A wrong identity or a refused hello ends the search: all hosts of an address are the same server.
 */
export function connect(server: Server | ServerAddress, options: ConnectOptions = {}): Promise<SmpConnection> {
  return reach(server, options.defaultPort ?? DEFAULT_PORT, options, (attempt) => overSocket(server, attempt, options))
}

async function overSocket(
  server: Server | ServerAddress,
  { socket: dialed, host, signal, timeoutMs }: Attempt,
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
