import { formatBind, parseBind } from "@sluice/ops/bind"
import { type Kind, parsedKind } from "@sluice/ops/kind"
import { choice, duration, flag, integer, list, secret, text } from "@sluice/ops/kinds"
import type { Secret } from "@sluice/ops/secret"
import { type Group, group, optional, type Setting, setting } from "@sluice/ops/settings"
import type { DialTarget } from "@sluice/smp-client/dial"

/** How messages are forwarded, with the reference's defaults (relay-operations.md §3). Durations are milliseconds. */
export interface RoutingConfig {
  /** Also relays whose addresses are not on the public internet. */
  readonly allowPrivate: boolean
  readonly hostMode: "public" | "onion"
  readonly requiredHostMode: boolean
  /** A SOCKS 5 proxy. */
  readonly socksProxy: DialTarget | undefined
  /** `user:password` for it. */
  readonly socksCredentials: Secret | undefined
  readonly socksMode: "onion" | "always"
  /** Domains of the operator's own relays. */
  readonly ownServerDomains: readonly string[]
  /** Commands in progress for one client. */
  readonly clientConcurrency: number
  /** Commands in progress for all clients. */
  readonly concurrency: number
  /** Commands without an answer at one relay. */
  readonly destinationConcurrency: number
  /** Relays connected to. */
  readonly destinations: number
  /** Relays being connected to. */
  readonly connecting: number
  readonly connectTimeout: number
  readonly responseTimeout: number
  readonly rememberFailure: number
  readonly silenceCheckInterval: number
  readonly silenceLimit: number
  readonly silenceTimeouts: number
  /** Versions that are offered to relays. */
  readonly minVersion: number
  readonly maxVersion: number
  /** Newest version that clients are offered for what is inside. */
  readonly maxForwardedVersion: number
}

type EntriesOf<C> = { readonly [N in keyof C]: Setting<C[N]> }

/** `[proxy]` without the switch. A service that is nothing but a proxy adds its own settings to these. */
export const routingEntries: EntriesOf<RoutingConfig> = {
  allowPrivate: setting(flag(), {
    default: false,
    help: "Also connect to relays in private, loopback and link-local networks. For tests and closed networks only: clients choose the addresses.",
  }),
  hostMode: setting(choice("public", "onion"), {
    default: "public",
    help: "Which host of a relay that has several: the first public one, or with a SOCKS proxy the first onion one.",
  }),
  requiredHostMode: setting(flag(), {
    default: false,
    help: "Refuse a relay that has no host of that kind, instead of using another one.",
  }),
  socksProxy: optional(hostAndPort(), {
    help: "SOCKS 5 proxy; without one, relays that have only onion hosts are refused.",
    example: "127.0.0.1:9050",
  }),
  socksCredentials: optional(secret({ pattern: /^[^:]+:.+$/, allowed: "user:password" }), {
    help: "User name and password for the SOCKS proxy.",
  }),
  socksMode: setting(choice("onion", "always"), {
    default: "onion",
    help: "What goes through the SOCKS proxy: onion hosts, or all. The names of all are then looked up there.",
  }),
  ownServerDomains: setting(
    list(
      text({ pattern: /^[a-z0-9-]+(\.[a-z0-9-]+)*$/, allowed: "domain names in lower case, without a dot in front" }),
    ),
    { default: [], help: "Domains of your own relays, which are counted separately as well." },
  ),
  clientConcurrency: setting(integer({ min: 1, max: 10_000 }), {
    default: 32,
    help: "Proxy commands that one client may have in progress; its further commands wait.",
  }),
  concurrency: setting(integer({ min: 1 }), {
    default: 8192,
    help: "Proxy commands in progress for all clients, up to 48 KiB each; more are refused.",
  }),
  destinationConcurrency: setting(integer({ min: 1 }), {
    default: 2048,
    help: "Commands without an answer at one relay, up to 48 KiB each; more are refused.",
  }),
  destinations: setting(integer({ min: 1 }), {
    default: 5000,
    help: "Relays connected to at the same time; above it, those unused for longest are left.",
  }),
  connecting: setting(integer({ min: 1 }), {
    default: 1000,
    help: "Relays that are being connected to at the same time; more are refused. A quarter is for those connected within the last hour.",
  }),
  connectTimeout: setting(duration({ min: "10ms", max: "10m" }), {
    default: "45s",
    help: "Time to connect to a relay: name, TCP, TLS and handshake together.",
  }),
  responseTimeout: setting(duration({ min: "10ms", max: "10m" }), {
    default: "30s",
    help: "Time for a relay to answer a forwarded command.",
  }),
  rememberFailure: setting(duration({ max: "1h" }), {
    default: "30s",
    help: "How long a relay that could not be reached is not tried again.",
  }),
  silenceCheckInterval: setting(duration({ min: "10ms" }), {
    default: "10m",
    help: "Silence of a relay after which its connection is looked at, and how often from then on.",
  }),
  silenceLimit: setting(duration({ min: "10ms" }), {
    default: "15m",
    help: "Silence after which a connection with unanswered commands is dropped.",
  }),
  silenceTimeouts: setting(integer({ min: 1 }), {
    default: 3,
    help: "Commands in a row that must have gone unanswered for that.",
  }),
  // Between 11 and 13 relays would encrypt blocks and a proxy would not, so the oldest version is 10 or less.
  minVersion: setting(integer({ min: 6, max: 10 }), { default: 6, help: "Oldest protocol version offered to relays." }),
  maxVersion: setting(integer({ min: 8, max: 20 }), {
    default: 20,
    help: "Newest protocol version offered to relays.",
  }),
  maxForwardedVersion: setting(integer({ min: 8, max: 20 }), {
    default: 20,
    help: "Newest version that clients are offered for forwarded commands, whatever the relay speaks.",
  }),
}

function hostAndPort(): Kind<DialTarget> {
  return parsedKind<DialTarget>(
    "host:port such as 127.0.0.1:9050",
    (raw, refuse) => {
      const parsed = typeof raw === "string" ? parseBind(raw) : undefined
      return parsed?.host === undefined ? refuse() : { host: parsed.host, port: parsed.port }
    },
    formatBind,
  )
}

/** `[proxy]`: the routing of messages as a part of a relay, with its own switch. */
export const proxySettings: Group<EntriesOf<RoutingConfig & { readonly enabled: boolean }>> = group(
  "Private routing: forwards messages of clients to other relays, which then do not see the clients' addresses.",
  {
    enabled: setting(flag(), { default: true, help: "Whether clients may use this relay as a proxy." }),
    ...routingEntries,
  },
)

/** The default of every setting, for tests and programs without a configuration. */
export const defaultRouting: RoutingConfig = defaults()

function defaults(): RoutingConfig {
  const values = Object.entries(routingEntries).map(([name, { kind, fallback }]) => [
    name,
    fallback === undefined ? undefined : kind.schema.parse(fallback),
  ])
  return Object.freeze(Object.fromEntries(values))
}
