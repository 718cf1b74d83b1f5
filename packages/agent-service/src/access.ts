import { hasBearerToken } from "@sluice/ops/bearer-token"
import type { Secret } from "@sluice/ops/secret"
import { isLoopback } from "./config.ts"

/** Subprotocol that the service speaks, for clients that have to name one. */
export const SUBPROTOCOL = "sluice-agent"
const TOKEN_PREFIX = "bearer."

/** What is looked at before a connection becomes a WebSocket. */
export interface AccessRules {
  readonly token: Secret
  readonly origins: readonly string[]
  /** Requests may name any host; otherwise only this machine. */
  readonly remote: boolean
}

/** Headers of the request, in lower case. */
export interface AccessHeaders {
  readonly authorization?: string | undefined
  readonly origin?: string | undefined
  readonly host?: string | undefined
  readonly "sec-websocket-protocol"?: string | undefined
}

/**
 * Whether a program may connect; gives the HTTP status with which it is refused. A page in a browser can reach any port of
 * its machine and can not be kept from it by the network, so pages need an origin that is allowed, and a host name that
 * was pointed at this machine by a stranger is refused.
 */
export function refusal(headers: AccessHeaders, { token, origins, remote }: AccessRules): 401 | 403 | undefined {
  const { authorization, origin, host = "" } = headers
  if (origin !== undefined && !origins.includes(origin)) return 403
  if (!remote && !isLoopback(hostName(host))) return 403
  if (hasBearerToken(authorization, token)) return undefined
  return hasBearerToken(`Bearer ${offeredToken(headers) ?? ""}`, token) ? undefined : 401
}

/** Browsers can set no header; they offer the token as a subprotocol beside the real one. */
function offeredToken(headers: AccessHeaders): string | undefined {
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim())
  return offered.find((name) => name.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length)
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1")
}
