import type { CryptoBackend } from "@sluice/crypto/backend"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { DecodeError } from "@sluice/encoding/errors"
import { decodeLinkAnswer, type LinkAnswer } from "@sluice/links/link-answer"
import type { StateName } from "@sluice/links/states"
import { openBlob } from "@sluice/short-links/blob"
import { LinkError } from "@sluice/short-links/errors"
import { linkSecrets } from "@sluice/short-links/link-keys"
import { type ResolvedLink, resolveLink } from "@sluice/short-links/open-link"
import type { ContactLink } from "@sluice/short-links/short-link"
import { isRelayOf } from "./link-of-page.ts"

/** How the page asks; tests give another one. */
export type Ask = (path: string) => Promise<Response>

/** What came of looking a link up. */
export type Preview =
  | { readonly found: true; readonly link: ResolvedLink }
  | { readonly found: false; readonly state: StateName }

/** What the resolver's words mean to a reader. */
const ANSWERS: Readonly<Record<string, StateName>> = {
  "not-found": "notFound",
  "not-allowed": "notAllowed",
  "relay-down": "relayDown",
  "relay-refused": "relayRefused",
  "rate-limited": "rateLimited",
  busy: "busy",
  "bad-request": "brokenLink",
}

/**
 * Looks a contact address up and opens it. All that is told of the link is its host and the ID that is derived from its
 * key; one-time invitations have another type, and never get here.
 */
export async function preview(c: CryptoBackend, link: ContactLink, ask: Ask): Promise<Preview> {
  const { linkId } = linkSecrets(c, link)
  const host = encodeURIComponent(link.server.hosts[0] ?? "")
  let response: Response
  let bytes: Uint8Array
  try {
    response = await ask(`/api/link/${host}/${encodeBase64UrlUnpadded(linkId)}`)
    if (!response.ok) return { found: false, state: ANSWERS[await wordOf(response)] ?? "relayRefused" }
    bytes = new Uint8Array(await response.arrayBuffer())
  } catch {
    // Whatever keeps a request from being answered is the same to whoever reads this: no connection.
    return { found: false, state: "offline" }
  }
  return open(c, link, bytes)
}

/** Opens and checks what the resolver gave. */
export function open(c: CryptoBackend, link: ContactLink, bytes: Uint8Array): Preview {
  try {
    const answer = decodeLinkAnswer(bytes)
    if (!isRelayOf(link, answer.relay)) return { found: false, state: "otherServer" }
    return { found: true, link: openAnswer(c, link, answer) }
  } catch (error) {
    if (error instanceof Failed) return { found: false, state: error.state }
    if (error instanceof DecodeError) return { found: false, state: "relayRefused" }
    throw error
  }
}

class Failed extends Error {
  readonly state: StateName

  constructor(state: StateName) {
    super(state)
    this.state = state
  }
}

function openAnswer(c: CryptoBackend, link: ContactLink, { senderId, fixed, user }: LinkAnswer): ResolvedLink {
  try {
    return resolveLink(c, link, { senderId, data: { fixed, user } })
  } catch (error) {
    if (error instanceof LinkError) throw new Failed(stateOf(c, link, user, error))
    throw error
  }
}

function stateOf(c: CryptoBackend, link: ContactLink, user: Uint8Array, { problem }: LinkError): StateName {
  switch (problem.code) {
    case "DECRYPT":
      // The key opens one part and not the other: so it is the right key, and the part was changed.
      return problem.part === "user" || opens(c, link, user) ? "tampered" : "wrongKey"
    case "DATA_HASH":
      return "otherData"
    case "DATA_SIGNATURE":
    case "USER_DATA_SIGNATURE":
      return "forged"
    case "OWNER_IS_ROOT":
    case "OWNER_DUPLICATE":
    case "OWNER_UNAUTHORIZED":
      return "badOwners"
    case "OTHER_ADDRESS":
      return "otherQueue"
    default:
      return "malformed"
  }
}

function opens(c: CryptoBackend, link: ContactLink, user: Uint8Array): boolean {
  try {
    openBlob(c, linkSecrets(c, link).blobKey, "user", user)
    return true
  } catch (error) {
    if (error instanceof LinkError) return false
    throw error
  }
}

async function wordOf(response: Response): Promise<string> {
  const value: unknown = await response.json()
  const word = typeof value === "object" && value !== null && "error" in value ? value.error : undefined
  return typeof word === "string" ? word : ""
}
