import type { BoxKey } from "@sluice/crypto/backend"
import type { Version } from "@sluice/encoding/version"
import type { StoredMessage } from "@sluice/queue-store/records"
import type { Verifier } from "@sluice/smp-protocol/authorization"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { CorrId, EntityId, SessionId } from "@sluice/smp-protocol/types"
import type { ConnectedService } from "@sluice/transport/session"
import type { Subscription } from "./subscription.ts"

/** A stored message on its way to the recipient: becomes MSG, encrypted only when its block is written. */
export interface Delivered {
  readonly tag: "DELIVER"
  /** Box key of the queue's DH secret. */
  readonly key: BoxKey
  readonly message: StoredMessage
}

/** One message to a client: an answer when it has a correlation ID, an event when that is empty. */
export interface Outgoing {
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly message: BrokerMessage | Delivered
}

/** What a connection gives the relay, so that the rest of the relay knows no sockets. */
export interface Connection {
  readonly version: Version
  readonly sessionId: SessionId
  /** The server's X25519 key of this connection, and what was agreed with it so far. */
  readonly verifier: Verifier
  /** Raw X25519 secret of both session keys, 32 bytes; absent when the client gave no key. */
  readonly sessionSecret?: Uint8Array | undefined
  readonly service?: ConnectedService | undefined
  /** Sends a batch of events: it shares no block with another batch, and keeps its place in the order of batches. */
  push(batch: readonly Outgoing[]): void
  /** Whether output waits to be drained; events are held back then. */
  readonly congested: boolean
  /** Resolves when output is drained, or the connection is gone. */
  room(): Promise<void>
  /** Resolves when a block of many commands may go on; others were served meanwhile. */
  turn(): Promise<void>
}

/**
 * What the relay keeps for one connection. An idle connection costs this object and nothing else: maps appear with
 * their first entry.
 */
export class Client {
  readonly connection: Connection
  /** Queues that this connection is subscribed to, by recipient ID. */
  #subscriptions: Map<string, Subscription> | undefined
  /** Queues that this connection reads by GET, with the message that it holds unacknowledged. */
  #getOnly: Map<string, { delivered: Uint8Array | undefined; deliveredAt: number }> | undefined
  /** Notifiers that this connection is subscribed to, by notifier ID. */
  #notifiers: Set<string> | undefined
  /** Deliveries that wait until output is drained. */
  #waiting: Set<Subscription> | undefined
  /** Whether this connection asked for its service's queues (SUBS, NSUBS) already. */
  readonly servicesAsked = { messages: false, notifications: false }
  /** Resolves when all first messages of its service were sent, while that is under way (SUBS). */
  serviceWalk: Promise<void> | undefined
  /** The number of service subscriptions that this connection holds, of either kind: 0 to 2. */
  serviceSubscriptions = 0
  /** Whether this connection forwards commands of others (RFWD). */
  forwards = false
  closed = false

  constructor(connection: Connection) {
    this.connection = connection
  }

  get version(): Version {
    return this.connection.version
  }

  subscription(queue: string): Subscription | undefined {
    return this.#subscriptions?.get(queue)
  }

  subscriptions(): Iterable<Subscription> {
    return this.#subscriptions?.values() ?? []
  }

  get subscriptionCount(): number {
    return this.#subscriptions?.size ?? 0
  }

  addSubscription(queue: string, subscription: Subscription): void {
    this.#subscriptions ??= new Map()
    this.#subscriptions.set(queue, subscription)
  }

  removeSubscription(queue: string): void {
    const subscription = this.#subscriptions?.get(queue)
    if (subscription === undefined) return
    this.#subscriptions?.delete(queue)
    this.#waiting?.delete(subscription)
  }

  getOnly(queue: string): { delivered: Uint8Array | undefined; deliveredAt: number } | undefined {
    return this.#getOnly?.get(queue)
  }

  markGetOnly(queue: string, delivered: Uint8Array | undefined, now: number): void {
    this.#getOnly ??= new Map()
    this.#getOnly.set(queue, { delivered, deliveredAt: now })
  }

  removeGetOnly(queue: string): void {
    this.#getOnly?.delete(queue)
  }

  get notifiers(): ReadonlySet<string> {
    return this.#notifiers ?? NOTHING
  }

  addNotifier(notifier: string): void {
    this.#notifiers ??= new Set()
    this.#notifiers.add(notifier)
  }

  removeNotifier(notifier: string): void {
    this.#notifiers?.delete(notifier)
  }

  wait(subscription: Subscription): void {
    this.#waiting ??= new Set()
    this.#waiting.add(subscription)
  }

  /** Takes the deliveries that waited for room. */
  takeWaiting(): Iterable<Subscription> {
    const waiting = this.#waiting
    this.#waiting = undefined
    return waiting ?? []
  }

  /** Whether it may not be closed for being idle: any subscription of messages or notifications (transport.md §2.6). */
  get subscribed(): boolean {
    return (this.#subscriptions?.size ?? 0) > 0 || (this.#notifiers?.size ?? 0) > 0 || this.serviceSubscriptions > 0
  }
}

const NOTHING: ReadonlySet<string> = new Set()
