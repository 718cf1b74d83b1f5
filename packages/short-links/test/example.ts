import type { CryptoBackend } from "@sluice/crypto/backend"
import { LinkError } from "@sluice/short-links/errors"
import { linkSecrets } from "@sluice/short-links/link-keys"
import { type LinkAnswer, resolveLink } from "@sluice/short-links/open-link"
import { decodeProfile } from "@sluice/short-links/profile"
import { parseShortLink } from "@sluice/short-links/short-link"

/** Who is behind a contact address. `ask` gets the blobs from the link's relay by the link ID, and nothing else. */
export async function nameBehind(
  c: CryptoBackend,
  text: string,
  ask: (linkId: Uint8Array) => Promise<LinkAnswer>,
): Promise<string> {
  const link = parseShortLink(text)
  if (link.kind !== "contact") throw new LinkError({ code: "OTHER_KIND" })
  const answer = await ask(linkSecrets(c, link).linkId)
  const resolved = resolveLink(c, link, answer)
  return decodeProfile(resolved.user.appData).displayName
}
