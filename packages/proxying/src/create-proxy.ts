import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Clock } from "@sluice/ops/clock"
import type { Secret } from "@sluice/ops/secret"
import { type Dial, type DialTarget, tcpDial } from "@sluice/smp-client/dial"
import { type Socks5Options, socks5Dial } from "@sluice/smp-client/socks5"
import { PROXIED_RANGE } from "@sluice/smp-protocol/versions"
import { type ConnectRelay, connectRelay } from "./connect-relay.ts"
import { Destinations, type DestinationsSettings } from "./destinations.ts"
import { directDial } from "./direct-dial.ts"
import { MessageProxy } from "./message-proxy.ts"
import type { ProxyMetrics } from "./metrics.ts"
import type { RoutingConfig } from "./settings.ts"

/** What a proxy is configured with. */
export interface ProxyOptions {
  readonly enabled: boolean
  /** Password that `PRXY` needs, if there is one: in a relay the one of `NEW`. */
  readonly password?: string | undefined
  readonly routing: RoutingConfig
}

/** What a proxy uses. Everything after the metrics has a default; tests replace it. */
export interface ProxyComponents {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly metrics: ProxyMetrics
  readonly connect?: ConnectRelay | undefined
  /** Reaches hosts that are not behind the SOCKS proxy; has to judge their addresses. */
  readonly direct?: Dial | undefined
}

/** Puts the proxy's side of private routing together. It opens nothing before a client asks for it. */
export function createMessageProxy(
  { enabled, password, routing }: ProxyOptions,
  components: ProxyComponents,
): MessageProxy {
  const { crypto, clock, metrics } = components
  const connect =
    components.connect ??
    connectRelay(components, {
      range: { min: routing.minVersion, max: routing.maxVersion },
      connectTimeout: routing.connectTimeout,
      responseTimeout: routing.responseTimeout,
      maxInFlight: routing.destinationConcurrency,
    })
  const direct = components.direct ?? directDial({ allowPrivate: routing.allowPrivate })
  const socks = socksDial(routing.socksProxy, routing.socksCredentials)
  const destinations = new Destinations({ crypto, clock, connect, direct, socks }, destinationsSettings(routing))
  const { clientConcurrency, concurrency } = routing
  return new MessageProxy(
    { crypto, clock, destinations, metrics },
    { enabled, password, clientConcurrency, concurrency },
  )
}

function destinationsSettings(routing: RoutingConfig): DestinationsSettings {
  const { hostMode, requiredHostMode, socksMode, allowPrivate } = routing
  return {
    responseTimeout: routing.responseTimeout,
    maxInFlight: routing.destinationConcurrency,
    silence: {
      interval: routing.silenceCheckInterval,
      timeouts: routing.silenceTimeouts,
      silence: routing.silenceLimit,
    },
    rememberFailure: routing.rememberFailure,
    maxDestinations: routing.destinations,
    maxConnecting: routing.connecting,
    hosts: { hostMode, requiredHostMode, socksMode, allowPrivate },
    announced: { min: PROXIED_RANGE.min, max: routing.maxForwardedVersion },
    ownDomains: routing.ownServerDomains,
  }
}

function socksDial(proxy: DialTarget | undefined, credentials: Secret | undefined): Dial | undefined {
  return proxy && socks5Dial({ proxy, dial: tcpDial(), credentials: credentialsOf(credentials) })
}

function credentialsOf(secret: Secret | undefined): Socks5Options["credentials"] {
  const [user, ...password] = secret?.reveal().split(":") ?? []
  return user === undefined ? undefined : { user, password: password.join(":") }
}
