import { idKey } from "@sluice/encoding/bytes"
import type { Clock, Timer } from "@sluice/ops/clock"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import type { Notifier } from "@sluice/queue-store/records"
import { NO_CORR_ID } from "@sluice/smp-protocol/types"
import type { Client, Outgoing } from "./client.ts"
import type { Neighbours } from "./fleet/neighbours.ts"
import type { PendingEvents } from "./pending-events.ts"
import type { ServiceSubscriptions } from "./service-subscriptions.ts"
import type { Statistics } from "./statistics.ts"

/** Notifications of one notifier that are sent in one round; the rest follows in the next. */
const PER_ROUND = 255
/** Notifiers whose notifications are read together. */
const PARALLEL = 64
/** Notifications that fill a block, for the count of batches (relay-internals.md §12). */
const PER_BLOCK = 80

interface Due {
  readonly notifierId: Uint8Array
  readonly serviceId?: Uint8Array | undefined
}

export interface NotificationParts {
  readonly store: QueueStore
  readonly clock: Clock
  readonly events: PendingEvents
  readonly services: ServiceSubscriptions
  readonly statistics: Statistics
  readonly neighbours: Neighbours
  readonly onError: (error: unknown) => void
}

/**
 * Sends notifications (NMSG) to the subscribers of notifiers, everything that came since the last round together
 * (smp.md §4.6). They are stored with their messages, and removed after they were handed to the connection.
 */
export class NotificationDelivery {
  readonly #parts: NotificationParts
  readonly #interval: number
  /** Individual subscribers by notifier ID. */
  readonly #subscribers = new Map<string, { readonly client: Client; readonly notifierId: Uint8Array }>()
  /** Notifiers that may have something to send. */
  #due = new Map<string, Due>()
  #timer: Timer | undefined
  #running = false
  #stopped = false

  /** `interval` in milliseconds. */
  constructor(parts: NotificationParts, interval: number) {
    this.#parts = parts
    this.#interval = interval
  }

  get subscribed(): number {
    return this.#subscribers.size
  }

  /** Makes the connection the subscriber; the previous one gets END. Returns whether it was subscribed already. */
  subscribe(client: Client, notifierId: Uint8Array): { readonly repeated: boolean } {
    const key = idKey(notifierId)
    this.#parts.events.cancel(client, "notifications", key)
    const previous = this.#subscribers.get(key)
    if (previous?.client === client) return { repeated: true }
    const id = notifierId.slice()
    if (previous !== undefined) {
      previous.client.removeNotifier(key)
      this.#parts.events.add(previous.client, "notifications", key, id, { tag: "END" })
    }
    this.#subscribers.set(key, { client, notifierId: id })
    client.addNotifier(key)
    this.#parts.neighbours.notifierSubscribed(id)
    return { repeated: false }
  }

  /** Ends the individual subscription, if any, and says whose it was. */
  remove(notifierId: Uint8Array): Client | undefined {
    const key = idKey(notifierId)
    const subscriber = this.#subscribers.get(key)
    if (subscriber === undefined) return undefined
    this.#subscribers.delete(key)
    subscriber.client.removeNotifier(key)
    this.#parts.neighbours.notifierUnsubscribed(notifierId)
    return subscriber.client
  }

  closed(client: Client): void {
    for (const key of client.notifiers) {
      const subscriber = this.#subscribers.get(key)
      if (subscriber?.client !== client) continue
      this.#subscribers.delete(key)
      this.#parts.neighbours.notifierUnsubscribed(subscriber.notifierId)
    }
  }

  /** Something was stored for the notifier by this node: it goes out with the next round, or another node is told. */
  storedHere(notifier: Pick<Notifier, "notifierId" | "serviceId">): void {
    if (this.#receiver(idKey(notifier.notifierId), notifier) === undefined) this.#parts.neighbours.notified(notifier)
    else this.stored(notifier)
  }

  /** Something may be stored for the notifier: it goes out with the next round if its subscriber is here. */
  storedElsewhere(notifier: Pick<Notifier, "notifierId" | "serviceId">): boolean {
    const here = this.#receiver(idKey(notifier.notifierId), notifier) !== undefined
    if (here) this.stored(notifier)
    return here
  }

  /** Something is stored for the notifier: it goes out with the next round. */
  stored({ notifierId, serviceId }: Pick<Notifier, "notifierId" | "serviceId">): void {
    const key = idKey(notifierId)
    if (!this.#due.has(key)) this.#due.set(key, { notifierId: notifierId.slice(), serviceId })
    this.#arm()
  }

  /** Everything that waits for a service goes out with the next round. */
  async storedForService(serviceId: Uint8Array): Promise<void> {
    let cursor: Uint8Array | undefined
    do {
      const step = await this.#parts.store.pendingNotifiers({ serviceId, limit: 256, ...(cursor && { cursor }) })
      for (const notifierId of step.notifierIds) this.stored({ notifierId, serviceId })
      cursor = step.cursor
    } while (cursor !== undefined && !this.#stopped)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #arm(): void {
    if (this.#stopped || this.#running) return
    this.#timer ??= this.#parts.clock.setTimeout(() => {
      this.#timer = undefined
      this.#round().catch(this.#parts.onError)
    }, this.#interval)
  }

  async #round(): Promise<void> {
    this.#running = true
    const due = [...this.#due]
    this.#due = new Map()
    try {
      const batches = new Map<Client, Outgoing[]>()
      const sent: { readonly notifierId: Uint8Array; readonly through: number }[] = []
      for (let at = 0; at < due.length; at += PARALLEL) {
        await Promise.all(due.slice(at, at + PARALLEL).map(([key, item]) => this.#collect(key, item, batches, sent)))
      }
      for (const [client, batch] of batches) this.#send(client, batch)
      await Promise.all(sent.map((item) => this.#parts.store.removeNotifications(item.notifierId, item.through)))
    } catch (error) {
      // They are still stored: the next round tries again.
      for (const [key, item] of due) if (!this.#due.has(key)) this.#due.set(key, item)
      throw error
    } finally {
      this.#running = false
      if (this.#due.size > 0) this.#arm()
    }
  }

  async #collect(
    key: string,
    due: Due,
    batches: Map<Client, Outgoing[]>,
    sent: { notifierId: Uint8Array; through: number }[],
  ): Promise<void> {
    const before = this.#receiver(key, due)
    // Without a subscriber they wait in the store until somebody subscribes, or they expire.
    if (before === undefined) return
    if (before.connection.congested) {
      this.#due.set(key, due)
      return
    }
    const pending = await this.#parts.store.notifications(due.notifierId, PER_ROUND)
    const last = pending.at(-1)
    const client = this.#receiver(key, due)
    if (last === undefined || client === undefined || client.closed) return
    if (pending.length === PER_ROUND) this.#due.set(key, due)
    let batch = batches.get(client)
    if (batch === undefined) {
      batch = []
      batches.set(client, batch)
    }
    for (const { nonce, encryptedMetadata } of pending) {
      const message = { tag: "NMSG" as const, nonce, meta: encryptedMetadata }
      batch.push({ corrId: NO_CORR_ID, entityId: due.notifierId, message })
    }
    sent.push({ notifierId: due.notifierId, through: last.sequence })
  }

  #receiver(key: string, { serviceId }: Pick<Due, "serviceId">): Client | undefined {
    return serviceId === undefined
      ? this.#subscribers.get(key)?.client
      : this.#parts.services.client("notifications", serviceId)
  }

  #send(client: Client, batch: readonly Outgoing[]): void {
    client.connection.push(batch)
    const { statistics } = this.#parts
    statistics.msgNtfs += batch.length
    statistics.msgNtfsB += Math.floor(batch.length / PER_BLOCK) + 1
  }
}
