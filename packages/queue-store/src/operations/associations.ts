import { toggleId } from "@sluice/smp-protocol/ids-hash"
import { associationKey, serviceKindKey } from "../codec/keys.ts"
import { decodeTotals, encodeTotals } from "../codec/small-codes.ts"
import type { ServiceKind } from "../records.ts"
import type { Context } from "./context.ts"

const NOTHING = new Uint8Array(0)

/** Adds a queue to the set of a service: its recipient ID for messages, its notifier ID for notifications. */
export function addAssociation(c: Context, serviceId: Uint8Array, kind: ServiceKind, id: Uint8Array): void {
  c.tables.serviceQueues.put(associationKey(serviceId, kind, id), NOTHING)
  changeTotals(c, serviceId, kind, id, 1)
}

/** Takes a queue out of the set of a service. */
export function removeAssociation(c: Context, serviceId: Uint8Array, kind: ServiceKind, id: Uint8Array): void {
  c.tables.serviceQueues.remove(associationKey(serviceId, kind, id))
  changeTotals(c, serviceId, kind, id, -1)
}

/** XOR makes adding and removing the same operation on the hash (smp.md §2.4). */
function changeTotals(c: Context, serviceId: Uint8Array, kind: ServiceKind, id: Uint8Array, by: 1 | -1): void {
  const { serviceTotals, counters } = c.tables
  counters[kind === "messages" ? "messageServiceQueues" : "notificationServiceQueues"] += by
  const key = serviceKindKey(serviceId, kind)
  const { count, idsHash } = decodeTotals(serviceTotals.get(key))
  toggleId(c.crypto, idsHash, id)
  if (count + by === 0) serviceTotals.remove(key)
  else serviceTotals.put(key, encodeTotals({ count: count + by, idsHash }))
}
