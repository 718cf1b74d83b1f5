import { nativeCrypto } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import { NTF_ALPN, NTF_BLOCK_SIZE, NTF_PORT } from "@sluice/ntf-protocol/versions"
import { systemClock } from "@sluice/smp-client/clock"
import type { FlowOptions } from "@sluice/smp-client/command-flow"
import { type Attempt, type ReachOptions, reach, TIMEOUTS } from "@sluice/smp-client/reach"
import { BlockStream } from "@sluice/transport/block-stream"
import { connectTls } from "@sluice/transport/tls-client"
import { NtfConnection } from "./connection.ts"
import { ntfClientHandshake } from "./session.ts"

/** How to connect. Every option has a default; ALPN is `ntf/1`, an empty list offers none. */
export interface NtfConnectOptions extends FlowOptions, ReachOptions {
  /** Versions to offer; default 1 to 3. */
  readonly range?: VersionRange | undefined
  /** Port for addresses without one; default 443. */
  readonly defaultPort?: number | undefined
}

/**
 * Connects to a notification server: its hosts are tried in order until one answers. Rejects with `SmpClientError` CONNECT
 * or TRANSPORT.
 */
export function connectNtf(server: Server, options: NtfConnectOptions = {}): Promise<NtfConnection> {
  return reach(server, options.defaultPort ?? NTF_PORT, options, (attempt) => overSocket(server, attempt, options))
}

async function overSocket(
  server: Server,
  { socket: dialed, host, signal, timeoutMs }: Attempt,
  options: NtfConnectOptions,
): Promise<NtfConnection> {
  const { crypto = nativeCrypto, clock = systemClock, protocols = [NTF_ALPN], range, patience = "background" } = options
  const { keyHash } = server
  const tls = await connectTls({
    ...{ crypto, keyHash, host, port: 0, socket: dialed, protocols, timeoutMs, keepAlive: false, signal },
    now: clock.unixSeconds(),
  }).catch((error: unknown) => {
    dialed.destroy()
    throw error
  })
  const { sessionId, serverChain } = tls
  const stream = new BlockStream(tls.socket, { blockSize: NTF_BLOCK_SIZE })
  const session = await ntfClientHandshake(stream, {
    ...{ crypto, keyHash, sessionId, serverChain, range, timeoutMs, signal },
  })
  const { commandTimeoutMs = TIMEOUTS[patience].commandMs } = options
  return new NtfConnection({ crypto, clock, server, stream, session }, { ...options, commandTimeoutMs })
}
