import { equalBytes } from "@sluice/encoding/bytes"
import type { ConnectionRequest } from "./connection-request.ts"
import { sameHostsAndPort, sameQueue } from "./queue-uri.ts"
import type { ShortLink } from "./short-link.ts"

/**
 * Whether both are the same link: same kind and type, same hosts and port, same key (and link ID). Scheme and key hash
 * are not compared (short-links.md §11).
 */
export function sameShortLink(a: ShortLink, b: ShortLink): boolean {
  if (!sameHostsAndPort(a.server, b.server) || !equalBytes(a.linkKey, b.linkKey)) return false
  if (a.kind === "contact") return b.kind === "contact" && a.contactType === b.contactType
  return b.kind === "invitation" && equalBytes(a.linkId, b.linkId)
}

/** Whether both requests name the same queues in the same order. */
export function sameConnectionRequest(a: ConnectionRequest, b: ConnectionRequest): boolean {
  if (a.kind !== b.kind || a.queues.length !== b.queues.length) return false
  return a.queues.every((queue, index) => {
    const other = b.queues[index]
    return other !== undefined && sameQueue(queue, other)
  })
}
