import { equalBytes } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { SmpError } from "@sluice/smp-protocol/errors"
import { isClientError } from "./client-error.ts"

/*
 * What a sender decides about proxies (proxy.md §7). Nothing here does any input or output.
 */

/** To which relays messages go through a proxy. */
export type ProxyUse =
  | "always"
  /** To those that are not among the user's own. */
  | "unknown"
  /** To those that are not among the user's own, unless they can't learn the user's network address anyway. */
  | "unprotected"
  | "never"

/** Whether messages go directly to a relay that can't be reached through a proxy. */
export type ProxyFallback =
  | "yes"
  /** Where the relay can't learn the user's network address. */
  | "protected"
  | "no"

/** The two settings of a user. */
export interface RoutingPolicy {
  readonly use: ProxyUse
  readonly fallback: ProxyFallback
}

/** How a command gets to its relay. */
export type Route = "proxy" | "direct"

/** How the user connects to servers. */
export interface NetworkProtection {
  /** All connections go through a SOCKS proxy. */
  readonly socks: boolean
  /** Of the hosts of an address, an onion one is always taken where there is one. */
  readonly onionFirst: boolean
}

/** Whether a server that is connected to directly can't learn the user's network address. */
export function addressProtected(server: Server, { socks, onionFirst }: NetworkProtection): boolean {
  return socks || (onionFirst && server.hosts.some((host) => host.endsWith(".onion")))
}

/** Servers with one identity are one server, whatever names and ports they are known under. */
export function sameServer(a: Server, b: Server): boolean {
  return equalBytes(a.keyHash, b.keyHash)
}

/** `own` are the user's relays; `isProtected` is {@link addressProtected} of the destination. */
export function routeTo(destination: Server, use: ProxyUse, own: readonly Server[], isProtected: boolean): Route {
  const unknown = (): boolean => !own.some((server) => sameServer(server, destination))
  switch (use) {
    case "always":
      return "proxy"
    case "unknown":
      return unknown() ? "proxy" : "direct"
    case "unprotected":
      return !isProtected && unknown() ? "proxy" : "direct"
    case "never":
      return "direct"
  }
}

/**
 * One of the user's relays as the proxy to a destination, the destination itself only if there is no other; `undefined`
 * if the user has none. `random` gives numbers from 0 up to but not including 1. The choice is for the caller to keep.
 */
export function chooseProxy<S extends Server>(
  destination: Server,
  own: readonly S[],
  random: () => number,
): S | undefined {
  const others = own.filter((server) => !sameServer(server, destination))
  const candidates = others.length > 0 ? others : own
  return candidates[Math.floor(random() * candidates.length)]
}

/** Whether the policy lets a message go directly where {@link proxyUnusable}. */
export function fallbackAllowed(fallback: ProxyFallback, isProtected: boolean): boolean {
  return fallback === "yes" || (fallback === "protected" && isProtected)
}

/**
 * Whether this failure of a command through a proxy says that proxy or relay can't be used this way: no host that the
 * proxy may connect to, or versions without proxying. Trying again does not help; a direct connection may.
 */
export function proxyUnusable(error: unknown): boolean {
  if (!isClientError(error)) return false
  const { problem } = error
  switch (problem.code) {
    case "UNSUPPORTED":
      // A proxy that has no such command. Of the commands inside, a direct session would not have more.
      return problem.command === "PRXY" || problem.command === "PFWD"
    case "TRANSPORT":
      return problem.error === "VERSION"
    case "ERR":
      return problem.from === "proxy" && relayUnusable(problem.error)
    default:
      return false
  }
}

/**
 * Whether a command that failed like this is to be tried again later: proxy or relay are away, or have trouble with each
 * other. What the relay itself answered about a queue, such as `QUOTA`, is for the sender to know.
 */
export function retriesLater(error: unknown): boolean {
  if (!isClientError(error) || !error.retryable) return false
  return error.problem.code !== "ERR" || error.problem.from === "proxy"
}

function relayUnusable(error: SmpError): boolean {
  if (error.type !== "PROXY" || error.error.type !== "BROKER") return false
  const broker = error.error.error
  return broker.type === "HOST" || (broker.type === "TRANSPORT" && broker.error === "VERSION")
}
