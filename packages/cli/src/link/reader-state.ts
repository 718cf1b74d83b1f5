import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import { jsonText } from "@sluice/encoding/json"
import { OperatorError, quoteValue } from "@sluice/ops/operator-error"
import { sameShortLink } from "@sluice/short-links/same-link"
import { formatShortLink, type InvitationLink, parseShortLink } from "@sluice/short-links/short-link"
import { exists } from "../identity.ts"
import { readState, writeState } from "../queue/state-file.ts"
import { jsonEd25519Pair, keyToJson } from "../queue/state-keys.ts"
import { ofLink } from "./queue-part.ts"

const KIND = "sluice link, reader"

/**
 * The key that opens a one-time invitation. It is written before the link is read for the first time: the relay gives the
 * data to this key only from then on. Throws `OperatorError` for a file of another link.
 */
export async function openReaderState(
  c: CryptoBackend,
  path: string,
  link: InvitationLink,
): Promise<KeyPair<"ed25519">> {
  if (await exists(path)) {
    const { known, keys } = await readState(path, KIND, (fields) => ({
      known: ofLink(() => parseShortLink(jsonText(fields, "link"))),
      keys: jsonEd25519Pair(c, fields, "senderKey"),
    }))
    if (sameShortLink(known, link)) return keys
    throw new OperatorError(`--state: ${quoteValue(path)} is for another link; name a new file`)
  }
  const keys = c.generateKeyPair("ed25519")
  await writeState(path, KIND, { link: formatShortLink(link), senderKey: keyToJson(keys.privateKey) })
  return keys
}
