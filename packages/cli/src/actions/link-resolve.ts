import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { OperatorError } from "@sluice/ops/operator-error"
import { formatFullLink } from "@sluice/short-links/full-link"
import { linkSecrets } from "@sluice/short-links/link-keys"
import { type LinkAnswer, type ResolvedLink, resolveLink } from "@sluice/short-links/open-link"
import type { LinkProfile } from "@sluice/short-links/profile"
import { formatShortLink, type ShortLink } from "@sluice/short-links/short-link"
import type { SmpCommands } from "@sluice/smp-client/smp-commands"
import { resolveBlobLink } from "../link/blob-actions.ts"
import { linkArgument } from "../link/link-argument.ts"
import { withLinkData } from "../link/link-failure.ts"
import { profileRows, readProfile, shownIf } from "../link/profile-rows.ts"
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

/** `sluice link resolve` */
export async function resolve(text: string, options: LinkResolveOptions): Promise<void> {
  const argument = await linkArgument(text)
  if (argument.form === "full") {
    throw new OperatorError("LINK is a full link, which has nothing to resolve; `sluice link show` explains it")
  }
  const known = options.server === undefined ? undefined : parseAddress(options.server, "--server")
  const proxy = options.proxy === undefined ? undefined : parseAddress(options.proxy, "--proxy")
  const { timeout } = options
  if (argument.form === "blob") return resolveBlobLink(argument.link, { proxy, timeout, json: options.json === true })
  const link = reachable(argument.link, known)
  const ask = await asking(link, options)
  const answer = await withRelay(link.server, { proxy, timeout }, ask)
  const resolved = await withLinkData(() => resolveLink(nativeCrypto, link, answer))
  const profile = readProfile(resolved.user.appData)
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

function rowsOf({ user, request, signedBy }: ResolvedLink, profile: LinkProfile | undefined): [string, string][] {
  const [queue] = request.queues
  return [
    ...profileRows(profile),
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
