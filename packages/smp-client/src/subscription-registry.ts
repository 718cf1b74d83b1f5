import { idKey } from "@sluice/encoding/bytes"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { ConnectionEvent } from "./events.ts"
import type { Request } from "./request.ts"

/** What is subscribed: the messages of a queue, or the notifications of one. */
export type SubscriptionKind = "queue" | "notifier"

/** A subscription that is to be made again on the next connection. */
export interface Subscription {
  readonly kind: SubscriptionKind
  readonly entityId: EntityId
  /** `SUB` or `NSUB`. */
  readonly request: Request
  /** It belongs to the service of the session, whose own subscription covers it. */
  readonly ofService: boolean
}

/**
 * Remembers what a client has subscribed, by watching commands, their answers, and events. Recipient and notifier ids
 * come from the same server and never coincide, so one map holds both.
 */
export class SubscriptionRegistry {
  readonly #entities = new Map<string, Subscription>()
  readonly #services = new Map<string, Request>()

  /** Number of subscriptions, services included. */
  get size(): number {
    return this.#entities.size + this.#services.size
  }

  /** Learns from a command that was answered. */
  answered(request: Request, answer: BrokerMessage): void {
    const { command, key, entityId } = request
    switch (command.tag) {
      case "SUB":
      case "NSUB":
        if (isConfirmation(answer) && entityId !== undefined) {
          const ofService = answer.tag === "SOK" && answer.serviceId !== undefined
          this.#add({ kind: command.tag === "SUB" ? "queue" : "notifier", entityId, request, ofService })
        }
        break
      case "NEW":
        if (answer.tag === "IDS" && command.subscription === "subscribe") {
          const recipientId = answer.recipientId.slice()
          const sub: Request = { command: { tag: "SUB" }, entityId: recipientId, key }
          const ofService = answer.serviceId !== undefined
          this.#add({ kind: "queue", entityId: recipientId, request: sub, ofService })
        }
        break
      case "SUBS":
      case "NSUBS":
        // What the server has now is what will be expected the next time.
        if (answer.tag === "SOKS") {
          this.#services.set(command.tag, { ...request, command: { ...command, expected: answer.counters } })
        }
        break
      case "DEL":
        if (answer.tag === "OK" && entityId !== undefined) this.remove(entityId)
    }
  }

  /** Learns from an event that ends a subscription. */
  happened(event: ConnectionEvent): void {
    if (event.type === "end" || event.type === "deleted") this.remove(event.entityId)
    // The event does not tell which of its two subscriptions the service lost; a connection of one role has only one.
    else if (event.type === "service-end") this.#services.clear()
  }

  remove(entityId: EntityId): void {
    this.#entities.delete(idKey(entityId))
  }

  /** Commands that subscribe to whole services. */
  services(): Request[] {
    return [...this.#services.values()]
  }

  /** Single subscriptions, without those that the subscription of their service covers. */
  entities(): Subscription[] {
    const covered = { queue: this.#services.has("SUBS"), notifier: this.#services.has("NSUBS") }
    return [...this.#entities.values()].filter(({ kind, ofService }) => !(ofService && covered[kind]))
  }

  #add(subscription: Subscription): void {
    this.#entities.set(idKey(subscription.entityId), subscription)
  }
}

function isConfirmation(answer: BrokerMessage): boolean {
  return answer.tag === "SOK" || answer.tag === "OK" || answer.tag === "MSG"
}
