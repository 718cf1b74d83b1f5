import type { CryptoBackend } from "@sluice/crypto/backend"
import { idKey } from "@sluice/encoding/bytes"
import type { ServiceKind, ServiceTotals } from "@sluice/queue-store/records"
import { emptyIdsHash, toggleId } from "@sluice/smp-protocol/ids-hash"
import type { Client } from "./client.ts"
import type { Neighbours } from "./fleet/neighbours.ts"
import type { PendingEvents } from "./pending-events.ts"

interface ServiceSubscription {
  readonly client: Client
  readonly serviceId: Uint8Array
  /** Running number of queues that this connection has through the service. */
  count: number
  /** XOR of the MD5 of their IDs, 16 bytes. */
  readonly idsHash: Uint8Array
}

/**
 * Which connection receives for a service, for messages and for notifications, with the running count and hash that its
 * ENDS and repeated SUBS tell (smp.md §4.7).
 */
export class ServiceSubscriptions {
  readonly #events: PendingEvents
  readonly #onTakenOver: (client: Client, kind: ServiceKind) => void
  readonly #crypto: CryptoBackend
  readonly #neighbours: Neighbours
  readonly #services: Record<ServiceKind, Map<string, ServiceSubscription>> = {
    messages: new Map(),
    notifications: new Map(),
  }

  constructor(
    events: PendingEvents,
    crypto: CryptoBackend,
    neighbours: Neighbours,
    onTakenOver: (client: Client, kind: ServiceKind) => void,
  ) {
    this.#events = events
    this.#crypto = crypto
    this.#neighbours = neighbours
    this.#onTakenOver = onTakenOver
  }

  client(kind: ServiceKind, serviceId: Uint8Array): Client | undefined {
    return this.#services[kind].get(idKey(serviceId))?.client
  }

  /** Number of services that have a subscriber, and of their queues. */
  totals(kind: ServiceKind): { readonly services: number; readonly queues: number } {
    let queues = 0
    for (const { count } of this.#services[kind].values()) queues += count
    return { services: this.#services[kind].size, queues }
  }

  /** What the connection has through its service now; nothing when it is not the service's subscriber. */
  running(client: Client, kind: ServiceKind): ServiceTotals {
    const found = this.#own(client, kind)
    return found === undefined ? { count: 0, idsHash: emptyIdsHash() } : { count: found.count, idsHash: found.idsHash }
  }

  /** Makes the connection the service's subscriber; the previous one gets ENDS with what it had. */
  subscribe(client: Client, kind: ServiceKind, serviceId: Uint8Array, totals?: ServiceTotals): void {
    const key = idKey(serviceId)
    const previous = this.#services[kind].get(key)
    if (previous?.client === client) {
      if (totals !== undefined) {
        previous.count = totals.count
        previous.idsHash.set(totals.idsHash)
      }
      return
    }
    if (previous !== undefined) this.#end(kind, key, previous)
    this.#events.cancel(client, kind, `service ${key}`)
    client.serviceSubscriptions++
    this.#services[kind].set(key, {
      client,
      serviceId,
      count: totals?.count ?? 0,
      idsHash: totals?.idsHash.slice() ?? emptyIdsHash(),
    })
    this.#neighbours.serviceSubscribed(kind, serviceId)
  }

  /** IDs of the services that are subscribed here. */
  subscribed(kind: ServiceKind): Uint8Array[] {
    return Array.from(this.#services[kind].values(), ({ serviceId }) => serviceId)
  }

  /** A connection on another node is the service's subscriber now: the one here gets ENDS with what it had. */
  movedElsewhere(kind: ServiceKind, serviceId: Uint8Array): void {
    const key = idKey(serviceId)
    const previous = this.#services[kind].get(key)
    if (previous === undefined) return
    this.#services[kind].delete(key)
    this.#end(kind, key, previous)
  }

  /** A queue came to the service through this connection. */
  add(client: Client, kind: ServiceKind, id: Uint8Array): void {
    const found = this.#own(client, kind)
    if (found === undefined) return
    found.count++
    toggleId(this.#crypto, found.idsHash, id)
  }

  /** A queue left the service. Returns the connection that had it. */
  remove(kind: ServiceKind, serviceId: Uint8Array, id: Uint8Array): Client | undefined {
    const found = this.#services[kind].get(idKey(serviceId))
    if (found === undefined) return undefined
    if (found.count > 1) {
      found.count--
      toggleId(this.#crypto, found.idsHash, id)
    } else {
      found.count = 0
      found.idsHash.fill(0)
    }
    return found.client
  }

  closed(client: Client): void {
    const serviceId = client.connection.service?.serviceId
    if (serviceId === undefined) return
    const key = idKey(serviceId)
    for (const kind of ["messages", "notifications"] as const) {
      if (this.#services[kind].get(key)?.client !== client) continue
      this.#services[kind].delete(key)
      this.#neighbours.serviceUnsubscribed(kind, serviceId)
    }
  }

  #own(client: Client, kind: ServiceKind): ServiceSubscription | undefined {
    const serviceId = client.connection.service?.serviceId
    const found = serviceId === undefined ? undefined : this.#services[kind].get(idKey(serviceId))
    return found?.client === client ? found : undefined
  }

  #end(kind: ServiceKind, key: string, previous: ServiceSubscription): void {
    previous.client.serviceSubscriptions--
    const counters = { count: BigInt(previous.count), hash: previous.idsHash }
    this.#events.add(previous.client, kind, `service ${key}`, previous.serviceId, { tag: "ENDS", counters })
    this.#onTakenOver(previous.client, kind)
  }
}
