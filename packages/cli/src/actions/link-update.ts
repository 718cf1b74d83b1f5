import { nativeCrypto } from "@sluice/crypto/native"
import { sealUserData } from "@sluice/short-links/make-link"
import { formatShortLink } from "@sluice/short-links/short-link"
import { updateBlobLink } from "../link/blob-actions.ts"
import { isBlobState } from "../link/blob-state.ts"
import { withLinkData } from "../link/link-failure.ts"
import { userDataOf } from "../link/new-link.ts"
import { readOwnerState, writeOwnerState } from "../link/owner-state.ts"
import { type ProfileOptions, profileOf } from "../link/profile-options.ts"
import { printJson, say } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { withConnection } from "../queue/connection.ts"
import { linkFields } from "./link-create.ts"

/** Options of `sluice link update`. */
export interface LinkUpdateOptions extends GlobalOptions, ProfileOptions {
  readonly json?: true
  /** Milliseconds. */
  readonly timeout: number
}

/** `sluice link update` */
export async function updateLink(file: string, options: LinkUpdateOptions): Promise<void> {
  if (await isBlobState(file)) return updateBlobLink(file, options)
  const state = await readOwnerState(nativeCrypto, file)
  const { link, rootKeys, linkId, fixedBlob } = state
  const profile = await profileOf(options, state.profile)
  const { kind, linkKey } = link
  const signer = { kind, linkKey, rootKey: rootKeys.publicKey, signingKey: rootKeys.privateKey }
  const user = await withLinkData(() => sealUserData(nativeCrypto, signer, userDataOf(kind, profile)))
  await withConnection(link.server, options.timeout, (connection) =>
    connection.setLink(state, linkId, { fixed: fixedBlob, user }),
  )
  await writeOwnerState(file, { ...state, profile })
  if (options.json) printJson({ ...linkFields(state), file })
  else say(`Updated; the link is still ${formatShortLink(link)}`)
}
