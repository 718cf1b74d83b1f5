import { duration, integer, list, network, orOff } from "@sluice/ops/kinds"
import type { Network } from "@sluice/ops/network"
import { type Group, group, type Setting, setting } from "@sluice/ops/settings"

/** Limits of a server. Durations are milliseconds; `undefined` means no limit. Each limit counts what it refused. */
export interface ServerSettings {
  /** Connections that the kernel keeps until they are accepted. */
  readonly backlog: number
  /** Silence after which TCP probes begin; a peer that misses four of them, 30 s apart, is gone. */
  readonly keepAlive: number | undefined
  /** From accepting a connection to TLS being set up, waiting for a free place included. */
  readonly tlsTimeout: number
  /** From there to the end of the protocol's handshake. */
  readonly handshakeTimeout: number
  /** Connections in any state; more are closed at once. */
  readonly maxConnections: number
  /** Connections in their TLS or protocol handshake, each counted for two seconds at most; more wait. */
  readonly maxHandshakes: number
  /** Connections that wait for a handshake; more are closed at once. */
  readonly maxWaitingHandshakes: number
  /** Where connections come from that begin with a PROXY header, which tells their source. */
  readonly balancers: readonly Network[]
  /** Connections of one source: an IPv4 address or an IPv6 /64 network. */
  readonly maxPerSource: number | undefined
  /** New connections of one source per minute, in the long run. */
  readonly newPerSourcePerMinute: number | undefined
  /** New connections that a source may make at once before that rate applies. */
  readonly newPerSourceBurst: number
  /** Silence in both directions after which a session without subscriptions is closed. */
  readonly idleTimeout: number | undefined
  /** How often idle sessions are looked for. */
  readonly idleCheckInterval: number
  /** How long a peer may leave its output unread before its session is closed. */
  readonly stallTimeout: number | undefined
  /** Received blocks of a session that wait for the one in progress; more are left to TCP. */
  readonly maxReceivedBlocks: number
  /** Blocks of a session that are encrypted and wait for the socket. */
  readonly maxSocketBlocks: number
  /** Blocks of a session that wait, not yet encrypted, for room among those; with more, events are dropped. */
  readonly maxWaitingBatches: number
  /** Slow commands of a session under way at the same time; with more, no further block is processed. */
  readonly maxSlowCommands: number
}

/** `[…]` of a service that accepts connections: give the group the name of what listens. */
export const serverSettings: Group<{ readonly [N in keyof ServerSettings]: Setting<ServerSettings[N]> }> = group(
  "Connections and their limits.",
  {
    backlog: setting(integer({ min: 1, max: 65_535 }), {
      default: 1024,
      help: "Connections that the kernel keeps until they are accepted.",
    }),
    keepAlive: setting(orOff(duration({ min: "1s" })), {
      default: "2m",
      help: "Silence after which TCP keep-alive probes begin, 30 s apart; four without an answer end the connection.",
    }),
    tlsTimeout: setting(duration({ min: "10ms", max: "1h" }), {
      default: "60s",
      help: "Time to set up TLS, including the wait for a free place among the handshakes.",
    }),
    handshakeTimeout: setting(duration({ min: "10ms", max: "1h" }), {
      default: "120s",
      help: "Time for the protocol's handshake after TLS.",
    }),
    maxConnections: setting(integer({ min: 1 }), {
      default: 50_000,
      help: "Connections at the same time, about 85 KiB each; more are closed at once.",
    }),
    maxHandshakes: setting(integer({ min: 1 }), {
      default: 1000,
      help: "Handshakes at the same time, about 1 ms of processor time each; more wait. One counts for 2 s at most.",
    }),
    maxWaitingHandshakes: setting(integer({ min: 0 }), {
      default: 4000,
      help: "Connections that wait for a handshake; more are closed at once.",
    }),
    balancers: setting(list(network()), {
      default: [],
      help: "Networks of TCP balancers: connections from there must begin with a PROXY header (version 1 or 2), which names the source.",
    }),
    maxPerSource: setting(orOff(integer({ min: 1 })), {
      default: "off",
      help: "Connections of one source (IPv4 address, IPv6 /64). Behind a balancer only with its PROXY header.",
    }),
    newPerSourcePerMinute: setting(orOff(integer({ min: 1 })), {
      default: "off",
      help: "New connections of one source per minute.",
    }),
    newPerSourceBurst: setting(integer({ min: 1 }), {
      default: 60,
      help: "New connections that a source may make at once before the rate per minute applies.",
    }),
    idleTimeout: setting(orOff(duration({ min: "10ms" })), {
      default: "off",
      help: "Silence in both directions after which a session without subscriptions is closed.",
    }),
    idleCheckInterval: setting(duration({ min: "10ms" }), {
      default: "1h",
      help: "How often idle sessions are looked for.",
    }),
    stallTimeout: setting(orOff(duration({ min: "10ms" })), {
      default: "15m",
      help: "How long a peer may leave its output unread before its session is closed.",
    }),
    maxReceivedBlocks: setting(integer({ min: 1, max: 4096 }), {
      default: 8,
      help: "Received blocks of a session that wait for the one in progress; the reference server has 128.",
    }),
    maxSocketBlocks: setting(integer({ min: 1, max: 4096 }), {
      default: 8,
      help: "Encrypted blocks of a session that wait for its peer to read.",
    }),
    maxWaitingBatches: setting(integer({ min: 1 }), {
      default: 128,
      help: "Blocks of a session that wait for room among the encrypted ones; with more, events are dropped.",
    }),
    maxSlowCommands: setting(integer({ min: 1 }), {
      default: 32,
      help: "Commands of a session that wait for other servers; with more, the session's next block waits.",
    }),
  },
)

/** The default of every setting, for tests and programs without a configuration. */
export const defaultServerSettings: ServerSettings = defaults()

function defaults(): ServerSettings {
  const values = Object.entries(serverSettings.entries).map(([name, { kind, fallback }]) => [
    name,
    kind.schema.parse(fallback),
  ])
  return Object.freeze(Object.fromEntries(values))
}
