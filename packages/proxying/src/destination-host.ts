import { isIP } from "node:net"
import { isPublicAddress } from "@sluice/ops/public-address"

/** Which of a relay's hosts the proxy connects to, and how (proxy.md §8). */
export interface HostRules {
  /** `onion`: onion hosts first, if there is a SOCKS proxy to reach them; otherwise like `public`. */
  readonly hostMode: "public" | "onion"
  /** Give up rather than use a host of the other kind. */
  readonly requiredHostMode: boolean
  /** Whether a SOCKS proxy is configured. */
  readonly socks: boolean
  /** What goes through it: onion hosts only, or all. */
  readonly socksMode: "onion" | "always"
  /** Also hosts that are not on the public internet. */
  readonly allowPrivate: boolean
}

/** The host to connect to. */
export interface ChosenHost {
  readonly host: string
  readonly via: "direct" | "socks"
}

/**
 * Chooses among the hosts of a relay; `undefined` if none is allowed, which is `BROKER HOST`. The reference looks an
 * onion host up in the DNS when it has no SOCKS proxy; here it is refused, since the look-up would tell everybody on the
 * way who is talked to.
 */
export function chooseHost(hosts: readonly string[], rules: HostRules): ChosenHost | undefined {
  const allowed = hosts.filter((host) => isAllowed(host, rules))
  const preferOnion = rules.hostMode === "onion" && rules.socks
  const preferred = allowed.find((host) => isOnion(host) === preferOnion)
  const host = preferred ?? (rules.requiredHostMode ? undefined : allowed[0])
  if (host === undefined) return undefined
  const throughSocks = isOnion(host) || (rules.socks && rules.socksMode === "always")
  return { host, via: throughSocks ? "socks" : "direct" }
}

/** Whether a host is one of the Tor network, however it is written. */
export function isOnion(host: string): boolean {
  return plainName(host).endsWith(".onion")
}

/** Default port of relays: what an address without one means, here never 443 (proxy.md §8). */
const DEFAULT_PORT = 5223

/** The port of a relay as a number from 1 to 65535, `undefined` if its text is none. */
export function destinationPort(text: string): number | undefined {
  if (text === "") return DEFAULT_PORT
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : undefined
}

function isAllowed(host: string, { socks, allowPrivate }: HostRules): boolean {
  if (isOnion(host)) return socks
  return allowPrivate || mayBePublic(host)
}

/** Names that never lead to the public internet (RFC 6761, 6762, 8375, and the private-use name of ICANN). */
const LOCAL_NAMES: readonly string[] = ["localhost", "local", "internal", "home.arpa", "test", "invalid"]

/** What can be said without asking the DNS. Its answers are judged when they are there: see `directDial`. */
function mayBePublic(host: string): boolean {
  if (isIP(host) !== 0) return isPublicAddress(host)
  const name = plainName(host)
  return name.includes(".") && !LOCAL_NAMES.some((local) => name === local || name.endsWith(`.${local}`))
}

/** Lower case, and without the dot at the end that an absolute name may have. */
function plainName(host: string): string {
  return host.toLowerCase().replace(/\.+$/, "")
}
