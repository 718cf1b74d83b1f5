import type { ConnectionRequest } from "./connection-request.ts"
import { LinkError } from "./errors.ts"
import { parseFullLink } from "./full-link.ts"
import { parseShortLink, type ShortLink } from "./short-link.ts"

/** Any link that a connection can begin with. */
export type ConnectionLink =
  | { readonly form: "full"; readonly request: ConnectionRequest }
  | { readonly form: "short"; readonly link: ShortLink }

const FULL_PATH = /^(simplex:|https:\/\/[^/]*)\/(invitation|contact)[/#]/

/** Reads a link of any form. Throws `LinkError`: of the full form where the text has its path, else of the short one. */
export function parseConnectionLink(text: string): ConnectionLink {
  if (FULL_PATH.test(text)) return { form: "full", request: parseFullLink(text) }
  return { form: "short", link: parseShortLink(text) }
}

/** Reads a short link of the given kind. Throws `LinkError` "OTHER_KIND" where it is the other one. */
export function parseShortLinkOf<K extends ShortLink["kind"]>(
  kind: K,
  text: string,
): Extract<ShortLink, { readonly kind: K }> {
  const link = parseShortLink(text)
  if (link.kind !== kind) throw new LinkError({ code: "OTHER_KIND" })
  return link as Extract<ShortLink, { readonly kind: K }>
}
