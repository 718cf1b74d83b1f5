import type { CryptoBackend } from "@sluice/crypto/backend"
import { idKey } from "@sluice/encoding/bytes"
import type { CarriedMessage } from "@sluice/fleet/events"
import type { Clock } from "@sluice/ops/clock"
import type { Owner, Peeked, QueueStore } from "@sluice/queue-store/queue-store"
import type { NewMessage, QueueRecord, StoredMessage } from "@sluice/queue-store/records"
import { NO_CORR_ID } from "@sluice/smp-protocol/types"
import type { Client, Outgoing } from "./client.ts"
import type { Neighbours } from "./fleet/neighbours.ts"
import { HeadReader } from "./head-reader.ts"
import type { PendingEvents } from "./pending-events.ts"
import type { ServiceSubscriptions } from "./service-subscriptions.ts"
import { becomeIdle, Subscription, startReading } from "./subscription.ts"

export interface DeliveryParts {
  readonly store: QueueStore
  readonly events: PendingEvents
  readonly services: ServiceSubscriptions
  readonly crypto: CryptoBackend
  readonly clock: Clock
  /** Name of this process in the fleet. */
  readonly node: string
  readonly neighbours: Neighbours
  /** Told about failures of the store outside of any command. */
  readonly onError: (error: unknown) => void
}

/** What became of a hint: nobody is here for it, its message was pushed, or the queue is read where that is needed. */
export type HintOutcome = "stale" | "pushed" | "read"

/**
 * Who gets the messages of a queue, and when (smp.md §4).
 *
 * A subscription is registered before the queue is read and before the command is answered. So a message that is stored
 * afterwards finds the subscription, and one that was stored before is found by the reading; `missed` covers the time in
 * between. Nothing is pushed twice and no push is lost, whatever the order in which store and network finish.
 */
export class Delivery {
  readonly #parts: DeliveryParts
  /** Individual subscribers by recipient ID; queues of services are found through their service. */
  readonly #subscribers = new Map<string, Subscription>()
  readonly #reader: HeadReader

  constructor(parts: DeliveryParts) {
    this.#parts = parts
    const { store, clock, onError } = parts
    this.#reader = new HeadReader({ store, clock, onError, found: (...found) => this.#found(...found) })
  }

  /** Queues with an individual subscriber. */
  get subscribed(): number {
    return this.#subscribers.size
  }

  /** Individual subscriptions, as they are now. */
  subscriptions(): Iterable<Subscription> {
    return this.#subscribers.values()
  }

  subscriber(recipientId: Uint8Array): Subscription | undefined {
    return this.#subscribers.get(idKey(recipientId))
  }

  /**
   * Makes the connection the subscriber and ends the previous one, before the queue is read. In the same connection the
   * subscription starts anew: what was delivered is delivered again.
   */
  register(client: Client, queue: QueueRecord): { readonly subscription: Subscription; readonly repeated: boolean } {
    const key = idKey(queue.recipientId)
    this.#parts.events.cancel(client, "messages", key)
    const previous = this.#subscribers.get(key)
    if (previous !== undefined && previous.client !== client) this.#end(key, previous, "END")
    const own = client.subscription(key)
    const subscription = own ?? this.#make(client, queue)
    this.#subscribers.set(key, subscription)
    if (own === undefined) client.addSubscription(key, subscription)
    subscription.subscribing++
    startReading(subscription)
    return { subscription, repeated: own !== undefined }
  }

  /** The connection's subscription to a queue of its service, made when the first message goes there. */
  registerForService(client: Client, queue: QueueRecord): Subscription {
    const key = idKey(queue.recipientId)
    const own = client.subscription(key)
    if (own !== undefined) return own
    const subscription = this.#make(client, queue)
    client.addSubscription(key, subscription)
    return subscription
  }

  /** Subscribes the service's connection to one of its queues and sends the first message. Returns whether there is one. */
  async startForService(client: Client, queue: QueueRecord): Promise<boolean> {
    const subscription = this.registerForService(client, queue)
    startReading(subscription)
    let peeked: Peeked
    try {
      ;[peeked = {}] = await this.#parts.store.peek([queue.recipientId])
    } catch (error) {
      this.#reader.read(subscription)
      throw error
    }
    if (subscription.ended || subscription.state !== "reading") return false
    this.#found(subscription, peeked)
    return peeked.head !== undefined
  }

  /** Ends the individual subscription that another connection has, because the queue went to a service. */
  endSubscriber(recipientId: Uint8Array, except: Client): void {
    const key = idKey(recipientId)
    const previous = this.#subscribers.get(key)
    if (previous === undefined) return
    if (previous.client === except) this.#subscribers.delete(key)
    else this.#end(key, previous, "END")
  }

  /** The store answered: the subscription is this node's under this epoch, unless that ended already. */
  owned(subscription: Subscription, owner: Owner | undefined): void {
    subscription.subscribing--
    if (owner === undefined) return
    if (subscription.ended) {
      // Its connection is gone, or another one of this node follows, which gets an epoch of its own.
      this.#parts.store.unsubscribe(subscription.recipientId, owner).catch(this.#parts.onError)
      return
    }
    subscription.owner = owner
    if (subscription.endedThrough >= owner.epoch) this.lost(subscription)
  }

  /** Takes the registration back after the store refused the subscription. */
  unregister(subscription: Subscription): void {
    this.#drop(idKey(subscription.recipientId), subscription)
  }

  /**
   * Ends a reading of the head: what has to be sent is returned as the message, and the subscription counts it as
   * delivered. `undefined` when there is nothing to send, or the subscription ended meanwhile.
   */
  settle(subscription: Subscription, { head, filling }: Peeked): Outgoing["message"] | undefined {
    if (subscription.ended) return undefined
    if (head !== undefined) return this.#deliver(subscription, head)
    this.#nothing(subscription, filling)
    return undefined
  }

  /** A message that counts as delivered could not be sent after all: it is, when there is room. */
  postpone(subscription: Subscription): void {
    if (subscription.ended || subscription.state !== "delivered") return
    subscription.state = "waiting"
    subscription.deliveredId = undefined
    subscription.client.wait(subscription)
  }

  /** An ACK removes the delivered message: the next one is being read. */
  acknowledging(subscription: Subscription): void {
    startReading(subscription)
  }

  /** The store failed: the message counts as delivered still, and can be acknowledged again. */
  notAcknowledged(subscription: Subscription, deliveredId: Uint8Array | undefined, deliveredAt: number): void {
    if (subscription.ended || subscription.state !== "reading") return
    subscription.state = "delivered"
    subscription.missed = false
    subscription.deliveredId = deliveredId
    subscription.deliveredAt = deliveredAt
  }

  /** The connection of this node has the subscription no more: another node has it by now. */
  lost(subscription: Subscription): void {
    subscription.owner = undefined
    if (!subscription.ended) this.#end(idKey(subscription.recipientId), subscription, "END")
  }

  /**
   * A message was stored in a queue that was empty: it goes out if somebody is there for it, here or on another node.
   * `owner` is who has the subscription by the word of the store, `filling` the number that it counted.
   */
  stored(queue: QueueRecord, message: NewMessage, owner: Owner | undefined, filling: number | undefined): void {
    if (owner !== undefined && owner.node !== this.#parts.node && queue.rcvServiceId === undefined) {
      this.#parts.neighbours.stored(
        queue.recipientId,
        owner,
        filling === undefined ? undefined : { ...message, filling },
      )
      return
    }
    const subscription = this.#target(queue)
    if (subscription === undefined) {
      if (queue.rcvServiceId !== undefined) {
        this.#parts.neighbours.storedForService(queue.rcvServiceId, queue.recipientId)
      }
      return
    }
    switch (subscription.state) {
      case "idle":
        this.#push(subscription, message)
        return
      case "reading":
        subscription.missed = true
        return
      case "delivered":
      case "waiting":
        // The next ACK, or room in the output, reads the queue.
        return
      default:
        subscription.state satisfies never
    }
  }

  /**
   * Another node stored a message in the empty queue. What the hint carries is pushed only if it is what a reading would
   * find: it came into the queue that this very subscription saw empty. A hint that is late, or was overtaken by a reading,
   * has another number than the next. Smaller numbers say nothing, as the store may have lost its latest: it is asked.
   */
  storedElsewhere(recipientId: Uint8Array, epoch: number, carried?: CarriedMessage): HintOutcome {
    const subscription = this.#current(recipientId, epoch)
    if (subscription === undefined) return "stale"
    const { state, owner, emptyAt } = subscription
    const next = emptyAt !== undefined && state === "idle" && owner?.epoch === epoch ? emptyAt + 1 : undefined
    if (carried === undefined || carried.filling !== next) {
      this.lookAgain(subscription)
      return "read"
    }
    const { id, timestamp, notify, body } = carried
    // The ID is kept until it is acknowledged, and would keep the whole payload.
    const pushed = this.#push(subscription, { kind: "message", id: ownBytes(id), timestamp, notify, body })
    return pushed ? "pushed" : "read"
  }

  /** The queue was subscribed on another node: `false` when the subscription of that epoch is not here any more. */
  movedElsewhere(recipientId: Uint8Array, epoch: number): boolean {
    const subscription = this.#current(recipientId, epoch)
    if (subscription === undefined) return false
    subscription.endedThrough = Math.max(subscription.endedThrough, epoch)
    if (subscription.subscribing === 0) this.lost(subscription)
    return true
  }

  /** The queue was deleted on another node. */
  deletedElsewhere(recipientId: Uint8Array): boolean {
    const key = idKey(recipientId)
    const subscription = this.#subscribers.get(key)
    if (subscription === undefined) return false
    subscription.owner = undefined
    this.#end(key, subscription, "DELD")
    return true
  }

  /** There may be something in the queue that nobody told of. */
  lookAgain(subscription: Subscription): void {
    if (subscription.state === "idle") this.#reader.read(subscription)
    else if (subscription.state === "reading") subscription.missed = true
  }

  /** The client's output has room again: deliveries that waited are read and sent. */
  drained(client: Client): void {
    for (const subscription of client.takeWaiting()) this.#reader.read(subscription)
  }

  /** The queue is gone: other connections hear of it, the deleting one doesn't. */
  deleted(recipientId: Uint8Array, by: Client | undefined): void {
    const key = idKey(recipientId)
    by?.removeGetOnly(key)
    const subscription = this.#subscribers.get(key) ?? by?.subscription(key)
    if (subscription === undefined) return
    if (subscription.client === by) this.#drop(key, subscription)
    else this.#end(key, subscription, "DELD")
  }

  /**
   * An operator blocked the queue: its subscriber is told at once (relay-internals.md §5). Returns whether there is one
   * here.
   */
  blocked(queue: QueueRecord, error: Outgoing["message"]): boolean {
    const { client } = this.#target(queue) ?? {}
    client?.connection.push([{ corrId: NO_CORR_ID, entityId: queue.recipientId, message: error }])
    return client !== undefined
  }

  /** Queues of its service for which the connection holds a message that it has not acknowledged. */
  unacknowledgedOfService(client: Client): Uint8Array[] {
    return [...client.subscriptions()]
      .filter(({ state, recipientId }) => state !== "idle" && !this.#subscribers.has(idKey(recipientId)))
      .map(({ recipientId }) => recipientId)
  }

  /** Drops all queues that a connection had through its service, because another connection of the service took over. */
  dropServiceQueues(client: Client): void {
    for (const subscription of [...client.subscriptions()]) {
      const key = idKey(subscription.recipientId)
      if (this.#subscribers.get(key) !== subscription) this.#drop(key, subscription)
    }
  }

  /** Removes one queue of a service from the connection that received it. */
  dropQueue(client: Client, recipientId: Uint8Array): void {
    const key = idKey(recipientId)
    const subscription = client.subscription(key)
    if (subscription !== undefined && this.#subscribers.get(key) !== subscription) this.#drop(key, subscription)
  }

  /** The connection is gone. Its subscriptions end silently; what it had not acknowledged stays in the queues. */
  closed(client: Client): void {
    for (const subscription of [...client.subscriptions()]) this.#drop(idKey(subscription.recipientId), subscription)
  }

  stop(): void {
    this.#reader.stop()
  }

  /** The individual subscription, if it can be the one of this epoch: a later one has nothing to do with it. */
  #current(recipientId: Uint8Array, epoch: number): Subscription | undefined {
    const subscription = this.#subscribers.get(idKey(recipientId))
    const known = subscription?.owner?.epoch
    return known !== undefined && known > epoch ? undefined : subscription
  }

  #target(queue: QueueRecord): Subscription | undefined {
    if (queue.rcvServiceId === undefined) return this.#subscribers.get(idKey(queue.recipientId))
    const client = this.#parts.services.client("messages", queue.rcvServiceId)
    if (client === undefined) return undefined
    const known = client.subscription(idKey(queue.recipientId))
    if (known !== undefined) return known
    const made = this.registerForService(client, queue)
    becomeIdle(made, undefined)
    return made
  }

  /** `false`: it has to wait for room, and is read then. */
  #push(subscription: Subscription, message: StoredMessage): boolean {
    const { client } = subscription
    if (client.connection.congested) {
      // The body stays in the store: a client that doesn't read costs its name in a set, not its messages.
      subscription.state = "waiting"
      client.wait(subscription)
      return false
    }
    const sent = this.#deliver(subscription, message)
    client.connection.push([{ corrId: NO_CORR_ID, entityId: subscription.recipientId, message: sent }])
    return true
  }

  #deliver(subscription: Subscription, message: StoredMessage): Outgoing["message"] {
    subscription.state = "delivered"
    subscription.missed = false
    subscription.deliveredId = message.id
    subscription.deliveredAt = this.#parts.clock.now()
    return { tag: "DELIVER", key: subscription.key, message }
  }

  #make(client: Client, queue: QueueRecord): Subscription {
    return new Subscription(client, ownBytes(queue.recipientId), this.#parts.crypto.boxKey(queue.rcvDhSecret))
  }

  #found(subscription: Subscription, { head, filling }: Peeked): void {
    if (head !== undefined) this.#push(subscription, head)
    else this.#nothing(subscription, filling)
  }

  /** The queue was empty when it was read. What was pushed since then, or a SUB under way, knows better. */
  #nothing(subscription: Subscription, filling: number | undefined): void {
    if (subscription.state !== "reading" || subscription.subscribing > 0) return
    if (subscription.missed) this.#reader.read(subscription)
    else becomeIdle(subscription, filling)
  }

  #end(key: string, subscription: Subscription, tag: "END" | "DELD"): void {
    this.#drop(key, subscription)
    this.#parts.events.add(subscription.client, "messages", key, subscription.recipientId, { tag })
  }

  #drop(key: string, subscription: Subscription): void {
    subscription.ended = true
    subscription.client.removeSubscription(key)
    if (this.#subscribers.get(key) === subscription) this.#subscribers.delete(key)
    if (subscription.owner === undefined) return
    this.#parts.store.unsubscribe(subscription.recipientId, subscription.owner).catch(this.#parts.onError)
  }
}

/** A copy of an ID that does not hold the 16 KB block alive that it was received in. */
function ownBytes(id: Uint8Array): Uint8Array {
  const copy = new Uint8Array(id.length)
  copy.set(id)
  return copy
}
