import { equalBytes } from "@sluice/encoding/bytes"
import type { Log } from "@sluice/ops/log"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { NtfStore, RelayId } from "../store/ntf-store.ts"

/**
 * Brings what is stored about our service at a relay in line with the session, and subscribes the service (notifications.md
 * §5.3). When it returns, everything that is not associated has to be subscribed one by one. Rejects when the connection
 * does not answer.
 *
 * The stored id changes only here. A certificate is forgotten only when the session has no service at all; a service that
 * the relay refuses to subscribe keeps it, so that its associations can be made again under the same id.
 */
export async function agreeOnService(
  connection: SmpConnection,
  relayId: RelayId,
  { store, log }: { readonly store: NtfStore; readonly log: Log },
): Promise<void> {
  const serviceId = connection.session.service?.serviceId
  const relay = await store.relay(relayId)
  if (relay === undefined) return
  const same =
    relay.serviceId === undefined
      ? serviceId === undefined
      : serviceId !== undefined && equalBytes(relay.serviceId, serviceId)
  if (!same) await store.setService(relayId, serviceId, serviceId === undefined)
  if (!same || serviceId === undefined || relay.counters.count === 0n) return
  try {
    const { difference } = await connection.subscribeNotifierService(relay.counters)
    // The relay keeps associations of subscriptions that were deleted here, so this is no reason to do anything.
    if (difference !== undefined) log.warn("a relay counts other subscriptions of our service", { kind: difference })
  } catch (error) {
    if (!(error instanceof SmpClientError) || error.network || !connection.open) throw error
    log.warn("a relay does not subscribe our service", { reason: error.answer?.type ?? error.problem.code })
    if (error.answer?.type === "SERVICE" || error.problem.code === "NOT_A_SERVICE") {
      await store.setService(relayId, serviceId)
    }
  }
}
