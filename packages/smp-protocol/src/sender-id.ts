import type { CryptoBackend } from "@sluice/crypto/backend"
import type { CorrId, EntityId } from "./types.ts"
import { ID_LENGTH } from "./types.ts"

/**
 * The sender id that a client must give in a `NEW` with link data: the first 24 bytes of SHA3-384 of the correlation id
 * of that transmission (smp.md §2.1). So `NEW` cannot be used to ask whether an id exists.
 */
export function senderIdOf(c: CryptoBackend, corrId: CorrId): EntityId {
  return c.sha3_384(corrId).slice(0, ID_LENGTH)
}
