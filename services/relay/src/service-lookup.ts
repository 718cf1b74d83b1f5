import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Clock } from "@sluice/ops/clock"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import type { ServiceLookup } from "@sluice/transport/server-handshake"

/**
 * Finds the service of a certificate, or makes its record on the first visit (transport.md §3.4). The ID is permanent,
 * and so is the role: the same certificate with another one is refused.
 */
export function serviceLookup(store: QueueStore, crypto: CryptoBackend, clock: Clock): ServiceLookup {
  return async ({ role, fingerprint, chain }) => {
    const result = await store.registerService({
      serviceId: crypto.randomBytes(ID_LENGTH),
      role,
      fingerprint,
      certificates: chain,
      createdAt: Math.floor(clock.now() / 1000),
    })
    return result.ok ? result.service.serviceId : undefined
  }
}
