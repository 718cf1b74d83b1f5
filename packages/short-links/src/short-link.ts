import { decodeBase64Url, encodeBase64UrlUnpadded, tokenBase64Url } from "@sluice/encoding/base64url"
import { EMPTY } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import { tokenHost } from "@sluice/encoding/host"
import type { Server } from "@sluice/encoding/server-address"
import { LinkError, type LinkField } from "./errors.ts"
import { LinkScanner, readField, syntax } from "./link-text.ts"
import { escapeQuery, parseQuery, type Query } from "./query.ts"

/** Who opens a link: `https` any browser, on the first host of the server; `simplex` the app. */
export type LinkScheme = "https" | "simplex"

/** What stands behind a contact link; chosen by the app, the server does not know it. */
export type ContactType = "contact" | "channel" | "group" | "relay"

/** A one-time invitation (`/i`): its data is locked by the first who reads it. */
export interface InvitationLink {
  readonly kind: "invitation"
  readonly scheme: LinkScheme
  /** At least one host; empty port and empty key hash where the link does not say. */
  readonly server: Server
  /** 24 bytes when made by a server; the length is not checked. */
  readonly linkId: Uint8Array
  /** 32 bytes: SHA3-256 of the fixed link data; the length is not checked. Secret. */
  readonly linkKey: Uint8Array
}

/** A contact address (`/a`, `/c`, `/g`, `/r`): anyone who has it may read its data, as often as they like. */
export interface ContactLink {
  readonly kind: "contact"
  readonly contactType: ContactType
  readonly scheme: LinkScheme
  readonly server: Server
  /** 32 bytes: SHA3-256 of the fixed link data; the length is not checked. Secret. */
  readonly linkKey: Uint8Array
}

/** A short link (short-links.md §10). */
export type ShortLink = InvitationLink | ContactLink

const CONTACT_LETTERS: Readonly<Record<string, ContactType>> = { a: "contact", c: "channel", g: "group", r: "relay" }
const LETTERS: Readonly<Record<ContactType, string>> = { contact: "a", channel: "c", group: "g", relay: "r" }
const MAX_PORT = 65_535

/** Reads a short link that is the whole text. Throws `LinkError` "SYNTAX" or "NO_SERVER". */
export function parseShortLink(text: string): ShortLink {
  const scanner = new LinkScanner(text)
  const host = readAuthority(scanner)
  scanner.expect("/", "type")
  const type = scanner.until(/[/#]/)
  scanner.skip("/")
  scanner.expect("#", "type")

  if (type === "i") {
    const linkId = readToken(scanner, "link id")
    scanner.expect("/", "link id")
    const linkKey = readToken(scanner, "link key")
    return { kind: "invitation", ...readServerParameters(scanner, host), linkId, linkKey }
  }
  const contactType = CONTACT_LETTERS[type.length === 1 ? type.toLowerCase() : ""]
  if (contactType === undefined) syntax("type")
  const linkKey = readToken(scanner, "link key")
  return { kind: "contact", contactType, ...readServerParameters(scanner, host), linkKey }
}

/** The text of a link; reading it gives the link again. Throws `EncodeError` for a link without a server. */
export function formatShortLink(link: ShortLink): string {
  const [first, ...others] = link.server.hosts
  if (first === undefined) throw new EncodeError("short link: no host")
  const start = link.scheme === "https" ? `https://${first}` : "simplex:"
  const parameters = formatServer(link.server, link.scheme === "https" ? others : link.server.hosts)
  return `${start}/${pathLetter(link)}#${formatBody(link)}${parameters === "" ? "" : `?${parameters}`}`
}

/** The letter that a link's path consists of: `i`, `a`, `c`, `g` or `r`. */
export function pathLetter(link: ShortLink): string {
  return link.kind === "invitation" ? "i" : LETTERS[link.contactType]
}

/** The type of contact that a path letter means, in either case; `undefined` for every other text. */
export function contactTypeOf(letter: string): ContactType | undefined {
  return letter.length === 1 ? CONTACT_LETTERS[letter.toLowerCase()] : undefined
}

/** The same link for the other kind of reader: a browser or the app. */
export function withScheme<L extends ShortLink>(link: L, scheme: LinkScheme): L {
  return { ...link, scheme }
}

function formatBody(link: ShortLink): string {
  const key = encodeBase64UrlUnpadded(link.linkKey)
  return link.kind === "invitation" ? `${encodeBase64UrlUnpadded(link.linkId)}/${key}` : key
}

function formatServer(server: Server, hosts: readonly string[]): string {
  const parts: string[] = []
  if (hosts.length > 0) parts.push(`h=${escapeQuery(hosts.join(","))}`)
  if (server.port !== "") parts.push(`p=${escapeQuery(server.port)}`)
  if (server.keyHash.length > 0) parts.push(`c=${encodeBase64UrlUnpadded(server.keyHash)}`)
  return parts.join("&")
}

/** The host of an `https` link; `undefined` for the app's scheme. */
function readAuthority(scanner: LinkScanner): string | undefined {
  if (scanner.skip("simplex:")) return undefined
  scanner.expect("https://", "scheme")
  return scanner.host()
}

function readToken(scanner: LinkScanner, field: LinkField): Uint8Array {
  const { bytes, end } = readField(field, () => tokenBase64Url(scanner.text, scanner.at))
  scanner.at = end
  return bytes
}

function readServerParameters(scanner: LinkScanner, first: string | undefined): { scheme: LinkScheme; server: Server } {
  const query = scanner.skip("?") ? parseQuery(scanner.until(/[ \n]/)) : new Map<string, string>()
  scanner.end()
  const hosts = [...(first === undefined ? [] : [first]), ...readHosts(given(query, "h"))]
  if (hosts.length === 0) throw new LinkError({ code: "NO_SERVER" })
  const hash = given(query, "c")
  const keyHash = hash === undefined ? EMPTY : readField("key hash", () => decodeBase64Url(hash))
  const server = { hosts, port: readPort(given(query, "p")), keyHash }
  return { scheme: first === undefined ? "simplex" : "https", server }
}

/** A parameter; one with an empty value counts as absent. */
function given(query: Query, name: string): string | undefined {
  const value = query.get(name)
  return value === "" ? undefined : value
}

function readHosts(list: string | undefined): string[] {
  if (list === undefined) return []
  const hosts: string[] = []
  let at = -1
  do {
    const { host, end } = readField("host", () => tokenHost(list, at + 1))
    hosts.push(host.text)
    at = end
  } while (list[at] === ",")
  if (at !== list.length) syntax("host")
  return hosts
}

/** Decimal without leading zeros. What a 16-bit number cannot hold is refused, not reduced to another port. */
function readPort(text: string | undefined): string {
  if (text === undefined) return ""
  if (!/^\d+$/.test(text) || Number(text) > MAX_PORT) syntax("port")
  return String(Number(text))
}
