import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { OperatorError } from "@sluice/ops/operator-error"
import { formatFullLink } from "@sluice/short-links/full-link"
import { formatShortLink, withScheme } from "@sluice/short-links/short-link"
import { createBlobLink } from "../link/blob-actions.ts"
import { withLinkData } from "../link/link-failure.ts"
import { createPlanned, planLink } from "../link/new-link.ts"
import { type OwnerState, writeOwnerState } from "../link/owner-state.ts"
import { type ProfileOptions, profileOf } from "../link/profile-options.ts"
import { printData, printJson } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { withConnection } from "../queue/connection.ts"
import { refuseExisting } from "../queue/state-file.ts"
import { serverArgument } from "../server-argument.ts"

/** Options of `sluice link create`. */
export interface LinkCreateOptions extends GlobalOptions, ProfileOptions {
  readonly file: string
  readonly contact?: true
  readonly invitation?: true
  readonly blob?: true
  readonly json?: true
  /** Milliseconds. */
  readonly timeout: number
}

/** `sluice link create` */
export async function createLink(address: string | undefined, options: LinkCreateOptions): Promise<void> {
  const { file, timeout } = options
  const kind = kindOf(options)
  await refuseExisting(file)
  if (options.blob) return createBlobLink(kind, await serverArgument(address, options), options)
  const profile = await profileOf(options)
  const server = await serverArgument(address, options)
  const plan = await withLinkData(() => planLink(nativeCrypto, kind, server, profile))
  const state = await withConnection(server, timeout, async (connection) => {
    const created = await createPlanned(connection, plan)
    try {
      await writeOwnerState(file, created)
    } catch (error) {
      // Nobody could ever change or use it.
      await connection.deleteQueue(created)
      throw error
    }
    return created
  })
  if (options.json) printJson({ ...linkFields(state), file })
  else printData(formatShortLink(state.link))
}

/** What scripts get to know about a link of their own. */
export function linkFields({ link, linkId, request }: OwnerState): Readonly<Record<string, string>> {
  return {
    kind: link.kind,
    link: formatShortLink(link),
    appLink: formatShortLink(withScheme(link, "simplex")),
    fullLink: formatFullLink(request),
    linkId: encodeBase64Url(linkId),
  }
}

function kindOf({ contact, invitation }: LinkCreateOptions): "contact" | "invitation" {
  if (contact === invitation) throw new OperatorError("one of --contact and --invitation has to be given")
  return contact ? "contact" : "invitation"
}
