import { toHex } from "@sluice/encoding/bytes"
import type { ShortLink } from "../src/short-link.ts"
import { pathLetter } from "../src/short-link.ts"

/** A link as the vectors have it. */
export interface LinkValue {
  readonly mode: "invitation" | "contact"
  readonly type?: string
  readonly scheme: "https" | "simplex"
  readonly hosts: readonly string[]
  readonly port: string
  readonly keyHash: string
  readonly linkId?: string
  readonly linkKey: string
}

/** A link in the form of the vectors. */
export function linkValue(link: ShortLink): LinkValue {
  const { hosts, port, keyHash } = link.server
  return {
    mode: link.kind,
    ...(link.kind === "contact" ? { type: pathLetter(link) } : { linkId: toHex(link.linkId) }),
    scheme: link.scheme,
    hosts,
    port,
    keyHash: toHex(keyHash),
    linkKey: toHex(link.linkKey),
  }
}
