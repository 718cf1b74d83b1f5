import { idKey } from "@sluice/encoding/bytes"
import type { CarriedMessage, ServiceKind } from "@sluice/fleet/events"
import type { Fleet } from "@sluice/fleet/fleet"
import type { Clock, Timer } from "@sluice/ops/clock"
import type { Owner } from "@sluice/queue-store/queue-store"
import type { Notifier } from "@sluice/queue-store/records"

/** Who a notifier belongs to. */
export type NotifierPlace = Pick<Notifier, "notifierId" | "serviceId">

/**
 * What a relay tells the other nodes of its fleet, when what it did concerns a subscription that is not here. Calls
 * return at once and never fail: they are hints, and the store is the truth. A relay that is alone has {@link ALONE}.
 */
export interface Neighbours {
  /** A message was stored in an empty queue whose subscription is another node's: this one, if its number is known. */
  stored(recipientId: Uint8Array, owner: Owner, message?: CarriedMessage): void
  /** The same for a queue of a service that is not subscribed here. */
  storedForService(serviceId: Uint8Array, recipientId: Uint8Array): void
  /** The queue was subscribed here; this was its subscription before. */
  moved(recipientId: Uint8Array, previous: Owner | undefined): void
  deleted(recipientId: Uint8Array, owner: Owner | undefined): void
  blocked(recipientId: Uint8Array, owner: Owner | undefined): void
  blockedForService(serviceId: Uint8Array, recipientId: Uint8Array): void
  /** A queue or notifier left a service that is not subscribed here, or is deleted. */
  leftService(kind: ServiceKind, serviceId: Uint8Array, id: Uint8Array, deleted: boolean): void
  /** Notifications wait for a subscriber that is not here. */
  notified(notifier: NotifierPlace): void
  /** The notifier is gone, and nobody here was subscribed. */
  notifierDeleted(notifierId: Uint8Array): void
  /** The notifier belongs to a service now: an individual subscriber elsewhere ends. */
  notifierTaken(notifierId: Uint8Array): void
  notifierSubscribed(notifierId: Uint8Array): void
  notifierUnsubscribed(notifierId: Uint8Array): void
  serviceSubscribed(kind: ServiceKind, serviceId: Uint8Array): void
  serviceUnsubscribed(kind: ServiceKind, serviceId: Uint8Array): void
}

const nothing = (): void => undefined

/** Of a relay without a fleet. */
export const ALONE: Neighbours = {
  stored: nothing,
  storedForService: nothing,
  moved: nothing,
  deleted: nothing,
  blocked: nothing,
  blockedForService: nothing,
  leftService: nothing,
  notified: nothing,
  notifierDeleted: nothing,
  notifierTaken: nothing,
  notifierSubscribed: nothing,
  notifierUnsubscribed: nothing,
  serviceSubscribed: nothing,
  serviceUnsubscribed: nothing,
}

/** Notifiers named in one event. */
const PER_EVENT = 1024
/** Notifications are gathered for this part of the interval in which the other node gathers them again. */
const GATHER_PART = 0.1

/** The neighbours that a relay has in its fleet. */
export class FleetNeighbours implements Neighbours {
  readonly #fleet: Fleet
  readonly #clock: Clock
  readonly #gather: number
  /** Notifiers with notifications by the service that they belong to, none under the empty name. */
  #notified = new Map<string, { readonly serviceId?: Uint8Array | undefined; readonly ids: Map<string, Uint8Array> }>()
  #timer: Timer | undefined

  /** `notificationInterval` in milliseconds. */
  constructor(fleet: Fleet, clock: Clock, notificationInterval: number) {
    this.#fleet = fleet
    this.#clock = clock
    this.#gather = notificationInterval * GATHER_PART
  }

  stored(recipientId: Uint8Array, { node, epoch }: Owner, message?: CarriedMessage): void {
    const carried = this.#fleet.carries ? message : undefined
    this.#fleet.tell(node, { tag: "stored", recipientId, epoch, carried })
  }

  storedForService(serviceId: Uint8Array, recipientId: Uint8Array): void {
    this.#fleet.tellHolder("messages", serviceId, { tag: "storedForService", serviceId, recipientId })
  }

  moved(recipientId: Uint8Array, previous: Owner | undefined): void {
    if (previous !== undefined) this.#fleet.tell(previous.node, { tag: "moved", recipientId, epoch: previous.epoch })
  }

  deleted(recipientId: Uint8Array, owner: Owner | undefined): void {
    if (owner !== undefined) this.#fleet.tell(owner.node, { tag: "deleted", recipientId, epoch: owner.epoch })
  }

  blocked(recipientId: Uint8Array, owner: Owner | undefined): void {
    if (owner !== undefined) this.#fleet.tell(owner.node, { tag: "blocked", recipientId, epoch: owner.epoch })
  }

  blockedForService(serviceId: Uint8Array, recipientId: Uint8Array): void {
    this.#fleet.tellHolder("messages", serviceId, { tag: "blockedForService", serviceId, recipientId })
  }

  leftService(kind: ServiceKind, serviceId: Uint8Array, id: Uint8Array, deleted: boolean): void {
    this.#fleet.tellHolder(kind, serviceId, { tag: "leftService", kind, deleted, serviceId, id })
  }

  notified({ notifierId, serviceId }: NotifierPlace): void {
    const place = serviceId === undefined ? "" : idKey(serviceId)
    let group = this.#notified.get(place)
    if (group === undefined) {
      group = { serviceId: serviceId?.slice(), ids: new Map() }
      this.#notified.set(place, group)
    }
    const key = idKey(notifierId)
    if (!group.ids.has(key)) group.ids.set(key, notifierId.slice())
    this.#timer ??= this.#clock.setTimeout(() => this.#tellNotified(), this.#gather, { background: true })
  }

  notifierDeleted(notifierId: Uint8Array): void {
    this.#fleet.tellAll({ tag: "notifierDeleted", notifierId })
  }

  notifierTaken(notifierId: Uint8Array): void {
    this.#fleet.displace("notifier", notifierId)
  }

  notifierSubscribed(notifierId: Uint8Array): void {
    this.#fleet.claim("notifier", notifierId)
  }

  notifierUnsubscribed(notifierId: Uint8Array): void {
    this.#fleet.release("notifier", notifierId)
  }

  serviceSubscribed(kind: ServiceKind, serviceId: Uint8Array): void {
    this.#fleet.claim(kind, serviceId)
  }

  serviceUnsubscribed(kind: ServiceKind, serviceId: Uint8Array): void {
    this.#fleet.release(kind, serviceId)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #tellNotified(): void {
    this.#timer = undefined
    const groups = this.#notified
    this.#notified = new Map()
    for (const { serviceId, ids } of groups.values()) {
      const all = [...ids.values()]
      for (let at = 0; at < all.length; at += PER_EVENT) {
        const notifierIds = all.slice(at, at + PER_EVENT)
        if (serviceId === undefined) this.#fleet.tellAll({ tag: "notified", notifierIds })
        else this.#fleet.tellHolder("notifications", serviceId, { tag: "notified", serviceId, notifierIds })
      }
    }
  }
}
