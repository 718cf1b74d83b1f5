import { OperatorError, quoteValue } from "@sluice/ops/operator-error"
import { type BlobLink, looksLikeBlobLink, parseBlobLink } from "@sluice/short-links/blob-link"
import { type ConnectionLink, parseConnectionLink } from "@sluice/short-links/connection-link"
import { LinkError } from "@sluice/short-links/errors"
import { readText } from "../queue/state-file.ts"
import { linkReason } from "./link-failure.ts"

/** A link of any form, those to blobs included. */
export type AnyLink = ConnectionLink | { readonly form: "blob"; readonly link: BlobLink }

/** The link that a LINK argument names: the link itself, or a file with one, the owner's file included. */
export async function linkArgument(text: string): Promise<AnyLink> {
  if (/^(https:\/\/|simplex:)/.test(text)) return parse(text.trim(), "LINK")
  return parse(linkIn(await readText(text)).trim(), `LINK: the content of ${quoteValue(text)}`)
}

/** The text of a link is a secret of its holder: messages about it do not repeat it. */
function parse(text: string, what: string): AnyLink {
  try {
    if (looksLikeBlobLink(text)) return { form: "blob", link: parseBlobLink(text) }
    return parseConnectionLink(text)
  } catch (error) {
    if (!(error instanceof LinkError)) throw error
    throw new OperatorError(`${what} is not allowed: ${linkReason(error.problem)}; allowed: a connection link`)
  }
}

/** JSON files have it in a field. */
export function linkIn(text: string): string {
  if (!text.startsWith("{")) return text
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && "link" in value ? String(value.link) : text
  } catch {
    // Not JSON after all: the caller says what is wrong with it.
    return text
  }
}
