import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { formatVersionRange } from "@sluice/encoding/version"
import { type BlobLink, blobLinkSecrets, formatBlobLink } from "@sluice/short-links/blob-link"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import { formatFullLink } from "@sluice/short-links/full-link"
import { linkSecrets } from "@sluice/short-links/link-keys"
import { formatShortLink, type ShortLink, withScheme } from "@sluice/short-links/short-link"
import { serverName } from "../server-argument.ts"
import type { AnyLink } from "./link-argument.ts"

/** One thing about a link: its name for people, its name in JSON, its value. */
export type Fact = readonly [name: string, field: string, value: string]

/** What a link says by itself, without asking anybody. The key of a short link is not among it. */
export function linkFacts(link: AnyLink): Fact[] {
  if (link.form === "blob") return blobFacts(link.link)
  return link.form === "short" ? shortFacts(link.link) : requestFacts(link.request)
}

function shortFacts(link: ShortLink): Fact[] {
  const { hosts, port, keyHash } = link.server
  const { linkId } = linkSecrets(nativeCrypto, link)
  return [
    ["form", "form", "short link"],
    ["leads to", "kind", link.kind === "invitation" ? "one-time invitation" : `${link.contactType} address`],
    ["server", "server", hosts.join(", ")],
    ["port", "port", port === "" ? "443 or 5223" : port],
    ["fingerprint", "fingerprint", keyHash.length === 0 ? "not named: a server that apps know" : encode(keyHash)],
    ["link ID", "linkId", encode(linkId)],
    ["for browsers", "link", formatShortLink(withScheme(link, "https"))],
    ["for the app", "appLink", formatShortLink(withScheme(link, "simplex"))],
  ]
}

function blobFacts(link: BlobLink): Fact[] {
  const { blobId } = blobLinkSecrets(nativeCrypto, link.key)
  return [
    ["form", "form", "link to a blob"],
    ["leads to", "kind", link.kind === "invitation" ? "one-time invitation" : "contact address"],
    ["server", "server", serverName(link.server)],
    ["fingerprint", "fingerprint", encode(link.server.keyHash)],
    ["blob ID", "blobId", encode(blobId)],
    ["link", "link", formatBlobLink(link)],
  ]
}

/** What a connection request says. */
export function requestFacts(request: ConnectionRequest): Fact[] {
  const [queue] = request.queues
  return [
    ["form", "form", "full link"],
    ["leads to", "kind", request.kind === "invitation" ? "one-time invitation" : "contact address"],
    ["agent versions", "agentVersions", formatVersionRange(request.agentVersions)],
    ["server", "server", serverName(queue.server)],
    ["fingerprint", "fingerprint", encode(queue.server.keyHash)],
    ["queue mode", "queueMode", queue.mode ?? "not named"],
    ["queue versions", "queueVersions", formatVersionRange(queue.versions)],
    ...(request.kind === "invitation" ? e2eFacts(request.e2e) : []),
    ...(request.clientData === undefined ? [] : [["app data", "clientData", request.clientData] as const]),
    ["link", "link", formatFullLink(request)],
  ]
}

function e2eFacts(e2e: { versions: { min: number; max: number }; kemKey?: Uint8Array | undefined }): Fact[] {
  return [
    ["encryption", "e2eVersions", formatVersionRange(e2e.versions)],
    ["post-quantum key", "postQuantum", e2e.kemKey === undefined ? "no" : "yes"],
  ]
}

function encode(bytes: Uint8Array): string {
  return encodeBase64UrlUnpadded(bytes)
}
