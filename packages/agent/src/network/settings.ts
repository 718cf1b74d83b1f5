import type { ServerAddress } from "@sluice/encoding/server-address"
import type { DialTarget } from "@sluice/smp-client/dial"
import type { ProxyFallback, ProxyUse } from "@sluice/smp-client/routing-policy"

/** A server that a user knows. */
export interface ServerSetting {
  /** With the password, if there is one. */
  readonly address: ServerAddress
  /** Who runs it; servers without one count as one operator's. Default none. */
  readonly operator?: string | undefined
  /** Default true. */
  readonly enabled?: boolean | undefined
  /** Queues are made there. Default true. */
  readonly storage?: boolean | undefined
  /** Commands of senders go through it. Default true. */
  readonly proxy?: boolean | undefined
  /** It is asked what names stand for. Default false: it learns which names. */
  readonly names?: boolean | undefined
}

/** Which commands share a connection to a server (agent.md §14). */
export type SessionMode =
  /** All of a user. */
  | "user"
  /** The same, with other credentials at the SOCKS proxy after each start. */
  | "session"
  /** The same, with other credentials at the SOCKS proxy for each server. */
  | "server"
  /** Each connection has a connection of its own to each server. */
  | "entity"

/** Which host of a server is taken. */
export type HostMode =
  /** An onion host if there is a SOCKS proxy, else a public one. */
  "onion-via-socks" | "onion" | "public"

/** What one network connection shows to whom. */
export interface NetworkSettings {
  readonly sessionMode: SessionMode
  readonly proxyUse: ProxyUse
  readonly proxyFallback: ProxyFallback
  readonly hostMode: HostMode
  /** Refuse servers that have no host of this kind; else the first host is taken. */
  readonly requiredHost: boolean
  readonly socks?: SocksSettings | undefined
  /** Messages without content are sent now and then, see `noise.ts`. */
  readonly noise: NoiseSettings | undefined
}

/** A SOCKS proxy that connections go through, e.g. of Tor. */
export interface SocksSettings {
  readonly proxy: DialTarget
  /** All connections go through it, or only those to onion hosts. */
  readonly use: "always" | "onion"
  /** It keeps connections with different credentials apart, as Tor does. Default true. */
  readonly isolate?: boolean | undefined
}

/** Random times between two messages without content on a connection, ms. */
export interface NoiseSettings {
  readonly minMs: number
  readonly maxMs: number
}

/** One choice for all settings about privacy; each can be set by itself, too. */
export type PrivacyLevel = "fast" | "standard" | "high" | "maximum"

type Preset = Omit<NetworkSettings, "socks">

const STANDARD: Preset = {
  sessionMode: "session",
  proxyUse: "unknown",
  proxyFallback: "protected",
  hostMode: "onion-via-socks",
  requiredHost: false,
  noise: undefined,
}

/**
 * What the levels stand for. `fast` shows the network address to every relay; `standard` hides it from relays that the
 * user has not chosen; `high` also from those, and keeps the users' servers from seeing which queues belong together
 * by their SOCKS circuits; `maximum` has a connection to the server for each contact, and hides how much is sent.
 */
export const PRIVACY_LEVELS: Readonly<Record<PrivacyLevel, Preset>> = {
  fast: { ...STANDARD, sessionMode: "user", proxyUse: "never", proxyFallback: "yes" },
  standard: STANDARD,
  high: { ...STANDARD, sessionMode: "server", proxyUse: "always", proxyFallback: "no" },
  maximum: {
    sessionMode: "entity",
    proxyUse: "always",
    proxyFallback: "no",
    hostMode: "onion-via-socks",
    requiredHost: false,
    noise: { minMs: 60_000, maxMs: 600_000 },
  },
}

/** Settings as a caller gives them: a level, and what differs from it. */
export type NetworkOptions = { readonly [S in keyof NetworkSettings]?: NetworkSettings[S] | undefined } & {
  /** Default `standard`. */
  readonly privacy?: PrivacyLevel | undefined
}

/** The settings of the level, with what the caller gives in their place. */
export function networkSettings({ privacy = "standard", ...own }: NetworkOptions = {}): NetworkSettings {
  const given = Object.fromEntries(
    Object.entries(own).filter(([name, value]) => value !== undefined || name === "noise"),
  )
  return { ...PRIVACY_LEVELS[privacy], ...given }
}
