import type { CryptoBackend } from "@sluice/crypto/backend"
import { concatBytes, latin1 } from "@sluice/encoding/bytes"
import type { RelayId } from "../store/ntf-store.ts"

/**
 * The node that a relay should be subscribed by (rendezvous hashing): all nodes that know the same nodes come to the same
 * answer, relays are spread evenly, and a node that comes or goes moves only those relays that become or were its own.
 */
export function preferredNode(c: CryptoBackend, relayId: RelayId, nodes: Iterable<string>): string {
  let best = ""
  let most: Uint8Array | undefined
  for (const node of nodes) {
    const weight = c.sha256(concatBytes(latin1(node), relayId))
    if (most !== undefined && Buffer.compare(weight, most) <= 0) continue
    best = node
    most = weight
  }
  return best
}
