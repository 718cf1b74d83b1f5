import { equalBytes } from "@sluice/encoding/bytes"
import { emptyIdsHash, xorHashes } from "./ids-hash.ts"
import type { EntityId, ServiceCounters } from "./types.ts"

/** No queues. */
export function noCounters(): ServiceCounters {
  return { count: 0n, hash: emptyIdsHash() }
}

/** Counters after queues were associated. */
export function addCounters(counters: ServiceCounters, change: ServiceCounters): ServiceCounters {
  return { count: counters.count + change.count, hash: xorHashes(counters.hash, change.hash) }
}

/** Counters after associations were removed; taking away as many as there are, or more, leaves none (smp.md §2.4). */
export function subtractCounters(counters: ServiceCounters, change: ServiceCounters): ServiceCounters {
  if (counters.count <= change.count) return noCounters()
  return { count: counters.count - change.count, hash: xorHashes(counters.hash, change.hash) }
}

/** The subscription of a service as its client expects it, or as the server confirmed it. */
export interface ServiceSubscription {
  readonly serviceId: EntityId
  readonly counters: ServiceCounters
}

/** The first difference between what a service expected and what `SOKS` says, in this order; `undefined` if none. */
export function subscriptionDifference(
  expected: ServiceSubscription,
  confirmed: ServiceSubscription,
): "service" | "count" | "hash" | undefined {
  if (!equalBytes(expected.serviceId, confirmed.serviceId)) return "service"
  if (expected.counters.count !== confirmed.counters.count) return "count"
  return equalBytes(expected.counters.hash, confirmed.counters.hash) ? undefined : "hash"
}
