import { intersect, type Version, type VersionRange } from "@sluice/encoding/version"
import type { ServiceRole } from "@sluice/smp-protocol/types"
import { LEGACY_RANGE, VERSION } from "@sluice/smp-protocol/versions"

/** A version and the range it is the upper end of. */
export interface Agreed {
  readonly version: Version
  readonly range: VersionRange
}

/** What the server announces: all of `full` when any ALPN was negotiated, otherwise v6 alone (transport.md §2.3). */
export function announcedRange(full: VersionRange, alpn: string | false | null): VersionRange {
  return alpn ? full : LEGACY_RANGE
}

/**
 * The client's choice: the highest version that both ranges have, or `undefined` (transport.md §3.5). A proxy goes down
 * to v10 with servers that do not know its flag, because they would encrypt blocks and it does not.
 */
export function negotiate(own: VersionRange, server: VersionRange, proxyServer: boolean): Agreed | undefined {
  const limit = VERSION.BLOCK_ENCRYPTION - 1
  const unflagged = proxyServer && server.max < VERSION.PROXY_FLAG
  const offered = unflagged ? { min: own.min, max: Math.min(own.max, Math.max(own.min, limit)) } : own
  const range = intersect(offered, server)
  return range === undefined ? undefined : { version: range.max, range }
}

/** First version at which a client of this role sends its service in the hello (transport.md §3.3). */
export function serviceVersion(role: ServiceRole): Version {
  return role === "M" ? VERSION.RECEIVING_SERVICES : VERSION.SERVICE_CERTIFICATES
}
