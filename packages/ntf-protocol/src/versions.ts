import type { Version, VersionRange } from "@sluice/encoding/version"

/** First version of each change of the NTF transport (notifications.md §2.1). */
export const NTF_VERSION = {
  /** One transmission a block, session id in each. */
  INITIAL: 1,
  /** Server key in the hello, X25519 authenticators, several transmissions a block, session id no longer sent. */
  AUTHENTICATED_COMMANDS: 2,
  /** The reason in `TKN INVALID`. */
  INVALID_REASON: 3,
} as const

/** What clients announce, and servers where ALPN was negotiated. */
export const NTF_RANGE: VersionRange = { min: 1, max: 3 }

/** What a server announces without ALPN. */
export const NTF_LEGACY_RANGE: VersionRange = { min: 1, max: 1 }

/** ALPN name of the protocol. */
export const NTF_ALPN = "ntf/1"

/** Port of an address that has none. */
export const NTF_PORT = 443

/** Bytes of every block, in both directions, hellos included (notifications.md §2). */
export const NTF_BLOCK_SIZE = 512

/** Whether transmissions of this version are batched and without session id. */
export function isBatched(version: Version): boolean {
  return version >= NTF_VERSION.AUTHENTICATED_COMMANDS
}
