import { parseServerAddress, type Server } from "@sluice/encoding/server-address"
import { type ConnectionLink, parseConnectionLink } from "@sluice/short-links/connection-link"
import { LinkError } from "@sluice/short-links/errors"
import { formatShortLink, type ShortLink, withScheme } from "@sluice/short-links/short-link"

/** The parts of a page's address that make a link; `location` is one. */
export interface PageAddress {
  readonly hostname: string
  readonly pathname: string
  /** With its `#`. Browsers keep it to themselves. */
  readonly hash: string
}

/** A link that somebody opened in a browser. */
export interface OpenedPage {
  readonly link: ConnectionLink
  /** To be copied and scanned: for any device. */
  readonly text: string
  /** For the app on this device. */
  readonly appText: string
}

/** The link that the address of a page is; `missing` without a fragment, `broken` when it is none. */
export function linkOfPage({ hostname, pathname, hash }: PageAddress): OpenedPage | "missing" | "broken" {
  if (hash === "" || hash === "#") return "missing"
  const path = pathname.replace(/\/+$/, "")
  const text = `https://${hostname}${path}${hash}`
  try {
    const link = parseConnectionLink(text)
    if (link.form === "full") return { link, text, appText: `simplex:${path}${hash}` }
    return { link, text: formatShortLink(link.link), appText: formatShortLink(withScheme(link.link, "simplex")) }
  } catch (error) {
    if (error instanceof LinkError) return "broken"
    throw error
  }
}

/** Whether the relay that gave the data can be the one that the link names: a link may leave out the key hash. */
export function isRelayOf(link: ShortLink, relay: string): boolean {
  const { keyHash }: Server = parseServerAddress(relay, { scheme: "smp" })
  if (link.server.keyHash.length === 0) return true
  return keyHash.length === link.server.keyHash.length && keyHash.every((byte, at) => byte === link.server.keyHash[at])
}
