import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Server } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import type { Clock } from "@sluice/ops/clock"
import { clientClock } from "@sluice/smp-client/clock"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { Dial } from "@sluice/smp-client/dial"

/** What the proxy uses of a connection to a relay. */
export type RelayConnection = Pick<SmpConnection, "session" | "send" | "events" | "open" | "close">

/**
 * Connects to a relay at its one given host. Rejects with what `failureOf` knows, and gives up when the signal is
 * aborted, which also bounds the time it takes. Tests replace it.
 */
export type ConnectRelay = (server: Server, dial: Dial, signal: AbortSignal) => Promise<RelayConnection>

/** Settings of the connections to relays. */
export interface RelayConnectionSettings {
  /** Versions to offer. The minimum must not be 11 to 13 (transport.md §3.5). */
  readonly range: VersionRange
  /** Time for TCP, TLS and hello together, ms. */
  readonly connectTimeout: number
  /** Time for the answer to a request, ms. */
  readonly responseTimeout: number
  /** Requests without an answer at a time. */
  readonly maxInFlight: number
}

/**
 * Connects as proxies do (proxy.md §8): identity by fingerprint, no SNI, ALPN `smp/1`, no block encryption, no service
 * certificate, never `PING`.
 */
export function connectRelay(
  { crypto, clock }: { readonly crypto: CryptoBackend; readonly clock: Clock },
  settings: RelayConnectionSettings,
): ConnectRelay {
  const { range, connectTimeout, responseTimeout, maxInFlight } = settings
  return (server, dial, signal) =>
    connect(server, {
      crypto,
      clock: clientClock(clock),
      dial,
      signal,
      range,
      proxyServer: true,
      connectTimeoutMs: connectTimeout,
      commandTimeoutMs: responseTimeout,
      // All requests have the same time, however many there are before them.
      perCommandMs: 0,
      maxInFlight,
      maxQueued: 0,
      // Late answers say that the relay is alive, and that is all; remembering their requests would cost 16 KB each.
      maxLate: 0,
      // Whether the connection is dead is decided by its destination.
      keepAlive: { pingAfterMs: 0, maxTimeouts: 0 },
    })
}
