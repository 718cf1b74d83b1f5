import type { Version, VersionRange } from "@sluice/encoding/version"

/** First version of each change of the SMP transport (transport.md §3.7). */
export const VERSION = {
  /** `NEW` may create without subscribing; the oldest version still spoken. */
  SUBSCRIPTION_MODE: 6,
  /** Server key in the hello, X25519 authenticators, session id no longer sent. */
  AUTHENTICATED_COMMANDS: 7,
  /** `PRXY`, `PFWD`, `RFWD` and their answers; longest body 16064. */
  PROXY: 8,
  /** `SKEY`; a Bool "sender can secure" in `NEW` and `IDS`. */
  SENDER_SECURES: 9,
  /** `DELD`; older peers get `END`. */
  DELETED_EVENT: 10,
  /** Block encryption inside TLS; longest body 16048. */
  BLOCK_ENCRYPTION: 11,
  /** `ERR BLOCKED`; older peers get `AUTH`. */
  BLOCKED: 12,
  /** Flag `proxyServer` in the client hello. */
  PROXY_FLAG: 14,
  /** Link data in `NEW`, the link commands, queue mode and link id in `IDS`. */
  SHORT_LINKS: 15,
  /** Service certificates: service signature field, `SOK`, service id in `IDS`, `NSUBS`. */
  SERVICE_CERTIFICATES: 16,
  /** Notifier keys in `NEW` and `IDS`. */
  NOTIFIER_IN_NEW: 17,
  /** Notice in `BLOCKED`; older peers get it without. */
  CLIENT_NOTICES: 18,
  /** `SUBS` with count and hash, hash in `SOKS`/`ENDS`/`NSUBS`, `ALLS`, role `M`. */
  RECEIVING_SERVICES: 19,
  /** `RSLV`, `RNAME`, `ERR NAME`. */
  NAMES: 20,
} as const

/** What a server announces when ALPN was negotiated. */
export const SERVER_RANGE: VersionRange = { min: 6, max: 20 }

/** What a server announces without ALPN. */
export const LEGACY_RANGE: VersionRange = { min: 6, max: 6 }

/** What a client announces to a server; also a proxy as client of a relay. */
export const CLIENT_RANGE: VersionRange = { min: 6, max: 20 }

/** What a proxy offers in `PKEY` at most, intersected with the range agreed with the relay (proxy.md §3). */
export const PROXIED_RANGE: VersionRange = { min: 8, max: 20 }

/** Versions of the client layer, inside message envelopes (encoding.md §3). */
export const CLIENT_LAYER_RANGE: VersionRange = { min: 1, max: 4 }

/** Longest body of `SEND` in bytes at version `v` (smp.md §2.6). */
export function maxMessageLength(v: Version): number {
  if (v >= VERSION.BLOCK_ENCRYPTION) return 16048
  return v >= VERSION.PROXY ? 16064 : 16088
}
