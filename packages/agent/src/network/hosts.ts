import type { CryptoBackend } from "@sluice/crypto/backend"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { utf8 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import { type Dial, tcpDial } from "@sluice/smp-client/dial"
import { socks5Dial } from "@sluice/smp-client/socks5"
import { AgentError } from "../errors.ts"
import { withoutPassword } from "./network-error.ts"
import type { NetworkSettings, SocksSettings } from "./settings.ts"

const ONION = /\.onion\.?$/i

/** Names that only Tor resolves, in any of the forms in which peers may write them. */
export function isOnion(host: string): boolean {
  return ONION.test(host)
}

/**
 * The server with only the hosts that the settings allow to connect to, the one to try first in front. Throws
 * `AgentError` BROKER HOST where a host of one kind is required and there is none.
 */
export function reachable<S extends Server>(server: S, settings: NetworkSettings): S {
  const { hostMode, socks, requiredHost } = settings
  const onion = hostMode === "onion" || (hostMode === "onion-via-socks" && socks !== undefined)
  const wanted = server.hosts.filter((host) => isOnion(host) === onion)
  if (wanted.length > 0) return { ...server, hosts: wanted }
  if (requiredHost) {
    throw new AgentError({ code: "BROKER", server: withoutPassword(server), error: { type: "HOST" } })
  }
  return { ...server, hosts: server.hosts.slice(0, 1) }
}

/** Whether a server that is connected to directly can not learn the user's network address. */
export function isProtected(server: Server, { socks, hostMode }: NetworkSettings): boolean {
  return socks?.use === "always" || (hostMode === "onion" && server.hosts.some(isOnion))
}

/** How connections are opened: through the SOCKS proxy, or directly. `identity` is what keeps circuits apart. */
export function dialFor(
  c: CryptoBackend,
  socks: SocksSettings | undefined,
  identity: string,
  direct: Dial = tcpDial(),
): Dial {
  if (socks === undefined) return withoutTor(direct)
  const { proxy, use, isolate = true } = socks
  // The name is a hash, so that the proxy can keep circuits apart and learns nothing from it.
  const user = encodeBase64Url(c.sha256(utf8(identity)))
  const credentials = isolate ? { user, password: user } : undefined
  const throughProxy = socks5Dial({ proxy, dial: direct, credentials })
  return (target, signal) => (use === "always" || isOnion(target.host) ? throughProxy : direct)(target, signal)
}

/** Asking a resolver for an onion name would tell it, and everybody on the way, which one is looked for (RFC 7686 §2). */
function withoutTor(direct: Dial): Dial {
  return (target, signal) =>
    isOnion(target.host) ? Promise.reject(new Error("onion hosts need a SOCKS proxy")) : direct(target, signal)
}
