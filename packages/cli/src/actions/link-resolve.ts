import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { OperatorError } from "@sluice/ops/operator-error"
import { LinkError } from "@sluice/short-links/errors"
import { formatFullLink } from "@sluice/short-links/full-link"
import { linkSecrets } from "@sluice/short-links/link-keys"
import { type LinkAnswer, type ResolvedLink, resolveLink } from "@sluice/short-links/open-link"
import { decodeProfile, type LinkProfile, pictureOf } from "@sluice/short-links/profile"
import { formatShortLink, type ShortLink } from "@sluice/short-links/short-link"
import { visibleLine, visibleText } from "@sluice/short-links/visible-text"
import type { SmpCommands } from "@sluice/smp-client/smp-commands"
import { decompress } from "../link/compression.ts"
import { linkArgument } from "../link/link-argument.ts"
import { withLinkData } from "../link/link-failure.ts"
import { openReaderState } from "../link/reader-state.ts"
import { reachable, withRelay } from "../link/relay-access.ts"
import { columns, printData, printJson } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { parseAddress, serverName } from "../server-argument.ts"

/** Options of `sluice link resolve`. */
export interface LinkResolveOptions extends GlobalOptions {
  readonly oneTime?: true
  readonly state?: string
  readonly proxy?: string
  readonly server?: string
  readonly json?: true
  /** Milliseconds. */
  readonly timeout: number
}

const LONGEST_NAME = 200
const LONGEST_MESSAGE = 4000

/** `sluice link resolve` */
export async function resolve(text: string, options: LinkResolveOptions): Promise<void> {
  const argument = await linkArgument(text)
  if (argument.form === "full") {
    throw new OperatorError("LINK is a full link, which has nothing to resolve; `sluice link show` explains it")
  }
  const known = options.server === undefined ? undefined : parseAddress(options.server, "--server")
  const proxy = options.proxy === undefined ? undefined : parseAddress(options.proxy, "--proxy")
  const link = reachable(argument.link, known)
  const ask = await asking(link, options)
  const answer = await withRelay(link.server, { proxy, timeout: options.timeout }, ask)
  const resolved = await withLinkData(() => resolveLink(nativeCrypto, link, answer))
  const profile = profileIn(resolved)
  if (options.json) printJson(jsonOf(link, resolved, profile))
  else printData(columns(rowsOf(resolved, profile)))
}

/** The command that gets the data. Reading a one-time invitation takes it: only who says so does that. */
async function asking(
  link: ShortLink,
  { oneTime, state }: LinkResolveOptions,
): Promise<(relay: SmpCommands) => Promise<LinkAnswer>> {
  const { linkId } = linkSecrets(nativeCrypto, link)
  if (link.kind === "contact") return (relay) => relay.getLink(linkId)
  if (!oneTime || state === undefined) {
    throw new OperatorError(
      "LINK is a one-time invitation: reading it locks it to the reader; to do that, give --one-time and --state FILE",
    )
  }
  const keys = await openReaderState(nativeCrypto, state, link)
  return (relay) => relay.secureByLink(linkId, keys)
}

/** Links need not have a profile, and not every app's profile can be read. */
function profileIn(resolved: ResolvedLink): LinkProfile | undefined {
  try {
    return decodeProfile(resolved.user.appData, decompress)
  } catch (error) {
    if (error instanceof LinkError) return undefined
    throw error
  }
}

function rowsOf({ user, request, signedBy }: ResolvedLink, profile: LinkProfile | undefined): [string, string][] {
  const picture = profile && pictureOf(profile)
  const [queue] = request.queues
  return [
    ["name", profile === undefined ? "none that can be read" : visibleLine(profile.displayName, LONGEST_NAME)],
    ...shownIf("about", profile?.description && visibleLine(profile.description, LONGEST_NAME)),
    ...shownIf("message", profile?.message && visibleText(profile.message, LONGEST_MESSAGE)),
    ["picture", picture === undefined ? "none" : `${picture.mediaType}, ${pictureSize(picture.base64)} bytes`],
    ["leads to", request.kind === "invitation" ? "one-time invitation" : "contact address"],
    ["server", serverName(queue.server)],
    ["signed by", signedBy === undefined ? "its creator" : `owner ${encodeBase64UrlUnpadded(signedBy.ownerId)}`],
    ...(user.kind === "contact" ? contactRows(user) : []),
  ]
}

function contactRows(user: Extract<ResolvedLink["user"], { kind: "contact" }>): [string, string][] {
  return [
    ["direct", user.direct ? "yes" : "no"],
    ...shownIf("owners", user.owners.map(({ ownerId }) => encodeBase64UrlUnpadded(ownerId)).join(" ")),
    ...shownIf("relays", user.relays.map(formatShortLink).join("\n")),
  ]
}

function shownIf(name: string, value: string | undefined): [string, string][] {
  return value ? [[name, value]] : []
}

function pictureSize(base64: string): number {
  return Buffer.byteLength(base64, "base64")
}

function jsonOf(link: ShortLink, { user, request, fixed, signedBy }: ResolvedLink, profile: LinkProfile | undefined) {
  return {
    kind: link.kind,
    profile,
    ...(user.kind === "contact"
      ? {
          direct: user.direct,
          owners: user.owners.map(({ ownerId }) => encodeBase64UrlUnpadded(ownerId)),
          relays: user.relays.map(formatShortLink),
        }
      : {}),
    signedBy: signedBy && encodeBase64UrlUnpadded(signedBy.ownerId),
    linkEntityId: fixed.linkEntityId && encodeBase64UrlUnpadded(fixed.linkEntityId),
    fullLink: formatFullLink(request),
  }
}
