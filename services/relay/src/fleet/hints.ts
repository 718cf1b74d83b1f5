import { idKey } from "@sluice/encoding/bytes"
import type { ClaimKind, ServiceKind } from "@sluice/fleet/events"
import type { Fleet, FleetHandler, Hint, Missed } from "@sluice/fleet/fleet"
import type { RelayContext } from "../context.ts"
import type { CatchUp } from "./catch-up.ts"

/** What the relay does about the hints of other nodes. Those of subscriptions that are not here any more are dropped. */
export class Hints implements FleetHandler {
  readonly #relay: RelayContext
  readonly #fleet: Fleet
  readonly #catchUp: CatchUp
  readonly #onError: (error: unknown) => void

  constructor(relay: RelayContext, fleet: Fleet, catchUp: CatchUp, onError: (error: unknown) => void) {
    this.#relay = relay
    this.#fleet = fleet
    this.#catchUp = catchUp
    this.#onError = onError
  }

  hint(hint: Hint, from: string): void {
    if (!this.#apply(hint) && !this.#forward(hint, from)) this.#fleet.metrics.stale.value++
  }

  missed(what: Missed): void {
    this.#catchUp.request(what)
  }

  claimLost(kind: ClaimKind, id: Uint8Array, to: string): void {
    if (kind === "notifier") this.#endNotifier(id, "END")
    else this.#endService(kind, id, to)
  }

  /** `false`: nobody here is concerned. */
  #apply(hint: Hint): boolean {
    const { delivery, services } = this.#relay
    switch (hint.tag) {
      case "stored":
        return this.#stored(hint)
      case "moved":
        return delivery.movedElsewhere(hint.recipientId, hint.epoch)
      case "deleted":
        return delivery.deletedElsewhere(hint.recipientId)
      case "blocked":
        this.#later(this.#blocked(hint.recipientId))
        return delivery.subscriber(hint.recipientId) !== undefined
      case "storedForService":
        if (services.client("messages", hint.serviceId) === undefined) return false
        this.#later(this.#storedForService(hint.serviceId, hint.recipientId))
        return true
      case "blockedForService":
        if (services.client("messages", hint.serviceId) === undefined) return false
        this.#later(this.#blocked(hint.recipientId))
        return true
      case "leftService":
        return this.#leftService(hint.kind, hint.serviceId, hint.id, hint.deleted)
      case "notified": {
        const { serviceId, notifierIds } = hint
        let here = false
        for (const notifierId of notifierIds) {
          here = this.#relay.notifications.storedElsewhere({ notifierId, ...(serviceId && { serviceId }) }) || here
        }
        // Those without a service go to all nodes, so most are none of this one's business.
        return here || serviceId === undefined
      }
      case "notifierDeleted":
        this.#endNotifier(hint.notifierId, "DELD")
        return true
      default:
        return hint satisfies never
    }
  }

  #stored({ recipientId, epoch, carried }: Extract<Hint, { readonly tag: "stored" }>): boolean {
    const outcome = this.#relay.delivery.storedElsewhere(recipientId, epoch, carried)
    if (carried !== undefined && outcome !== "stale") this.#fleet.metrics.carried[outcome].value++
    return outcome !== "stale"
  }

  /** The sender did not know yet that the service moved on from here. */
  #forward(hint: Hint, from: string): boolean {
    switch (hint.tag) {
      case "storedForService":
      case "blockedForService":
        return this.#fleet.forward("messages", hint.serviceId, hint, from)
      case "leftService":
        return this.#fleet.forward(hint.kind, hint.serviceId, hint, from)
      case "notified":
        return hint.serviceId !== undefined && this.#fleet.forward("notifications", hint.serviceId, hint, from)
      default:
        return false
    }
  }

  async #storedForService(serviceId: Uint8Array, recipientId: Uint8Array): Promise<void> {
    const { store, services, delivery } = this.#relay
    // What SUBS has not come to yet it finds itself: nothing may follow its ALLS that belongs before it.
    await services.client("messages", serviceId)?.serviceWalk
    const known = services.client("messages", serviceId)?.subscription(idKey(recipientId))
    if (known !== undefined) {
      delivery.lookAgain(known)
      return
    }
    const queue = await store.queueByRecipient(recipientId)
    const client = services.client("messages", serviceId)
    if (queue?.rcvServiceId === undefined || client === undefined) return
    if (idKey(queue.rcvServiceId) === idKey(serviceId)) await delivery.startForService(client, queue)
  }

  async #blocked(recipientId: Uint8Array): Promise<void> {
    const queue = await this.#relay.store.queueByRecipient(recipientId)
    if (queue?.status.tag !== "blocked") return
    this.#relay.delivery.blocked(queue, { tag: "ERR", error: { type: "BLOCKED", ...queue.status.info } })
  }

  #leftService(kind: ServiceKind, serviceId: Uint8Array, id: Uint8Array, deleted: boolean): boolean {
    const { services, delivery, events } = this.#relay
    const client = services.remove(kind, serviceId, id)
    if (client === undefined) return false
    if (kind === "messages") delivery.dropQueue(client, id)
    events.add(client, kind, idKey(id), id.slice(), { tag: deleted ? "DELD" : "END" })
    return true
  }

  #endNotifier(notifierId: Uint8Array, tag: "END" | "DELD"): void {
    const client = this.#relay.notifications.remove(notifierId)
    if (client === undefined) return
    this.#relay.events.add(client, "notifications", idKey(notifierId), notifierId.slice(), { tag })
  }

  /**
   * The service is another node's. What its connection here holds unacknowledged was pushed before this was known, maybe
   * after the other one looked into the queue: the other is told to look again.
   */
  #endService(kind: ServiceKind, serviceId: Uint8Array, to: string): void {
    const { services, delivery } = this.#relay
    const client = services.client(kind, serviceId)
    if (client === undefined) return
    const held = kind === "messages" ? delivery.unacknowledgedOfService(client) : []
    services.movedElsewhere(kind, serviceId)
    for (const recipientId of held) this.#fleet.tell(to, { tag: "storedForService", serviceId, recipientId })
  }

  #later(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#onError(error)
      // The hint is used up, and what it told of is not delivered: look for it when the store answers again.
      this.#catchUp.request("hints")
    })
  }
}
