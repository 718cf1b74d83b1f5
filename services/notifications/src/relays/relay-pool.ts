import type { CryptoBackend } from "@sluice/crypto/backend"
import { idKey } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { type Clock as ClientClock, systemClock as systemClientClock } from "@sluice/smp-client/clock"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { type Dial, tcpDial } from "@sluice/smp-client/dial"
import type { EntityId } from "@sluice/smp-protocol/types"
import { createServiceCredentials } from "@sluice/transport/identity"
import type { PushSink, RelaySink } from "../context.ts"
import type { NtfStatistics } from "../statistics.ts"
import type { DroppedQueue, NtfStore, RelayId, SubscriptionRecord } from "../store/ntf-store.ts"
import { guardedDial, RefusedAddress } from "./address-guard.ts"
import { ConnectLanes } from "./connect-lanes.ts"
import { Limiter } from "./limiter.ts"
import { NotificationIntake } from "./notification-intake.ts"
import { RelaySubscriber, type SubscriberState } from "./relay-subscriber.ts"

export interface RelayPoolOptions {
  /** Whether to be a service at relays that know services. */
  readonly useService: boolean
  /** Whether relays of private networks, which clients may name, are connected to. */
  readonly allowPrivate: boolean
  readonly connectTimeout: number
  readonly commandTimeout: number
  /** Silence after which a relay is asked for a sign of life. */
  readonly pingInterval: number
  /** `NSUB` commands that are sent before their answers are awaited. */
  readonly batch: number
  /** Relays that are connected to at a time; see {@link ConnectLanes}. */
  readonly maxConnecting: number
  /** Batches of subscriptions under way at a time, over all relays. */
  readonly maxBatches: number
  /** How relays are dialed; default TCP. */
  readonly dial?: Dial | undefined
}

export interface RelayPoolParts {
  readonly store: NtfStore
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly log: Log
  readonly statistics: NtfStatistics
  readonly pushes: PushSink
  readonly random: () => number
  /** Timers of connections; default the machine's. */
  readonly clientClock?: ClientClock
}

const PAGE = 100
/** Wait before a start that the store did not let happen is repeated, ms. */
const RETRY = 1000

/** Subscribers of all relays that have subscriptions (notifications.md §5). */
export class RelayPool implements RelaySink {
  readonly #options: RelayPoolOptions
  readonly #parts: RelayPoolParts
  readonly #subscribers = new Map<string, RelaySubscriber>()
  readonly #connecting: ConnectLanes
  readonly #subscribing: Limiter
  #stopped = false

  constructor(options: RelayPoolOptions, parts: RelayPoolParts) {
    this.#options = options
    this.#parts = parts
    this.#connecting = new ConnectLanes(options.maxConnecting, parts.clientClock ?? systemClientClock)
    this.#subscribing = new Limiter(options.maxBatches)
  }

  /** Relays by the state of their connection. */
  get states(): Readonly<Record<SubscriberState, number>> {
    const states = { connecting: 0, subscribing: 0, up: 0, waiting: 0, stopped: 0 }
    for (const { state } of this.#subscribers.values()) states[state]++
    return states
  }

  /** Subscriptions made one by one on present connections, and those that wait to be made. */
  get subscriptions(): { readonly active: number; readonly pending: number } {
    let active = 0
    let pending = 0
    for (const subscriber of this.#subscribers.values()) {
      active += subscriber.subscribed
      pending += subscriber.pending
    }
    return { active, pending }
  }

  /** Begins with every relay that has subscriptions. Never rejects. */
  async start(): Promise<void> {
    const { store, log, clock } = this.#parts
    let after: Uint8Array | undefined
    do {
      try {
        const page = await store.relays({ after, limit: PAGE })
        for (const { relayId, server } of page.items) this.#subscriber(relayId, server)
        after = page.next
      } catch (error) {
        if (this.#stopped) return
        log.error("the relays to subscribe to could not be read, trying again", { error })
        await new Promise<void>((resolve) => clock.setTimeout(resolve, RETRY, { background: true }))
      }
    } while (after !== undefined && !this.#stopped)
  }

  subscribe({ relayId, server, notifierId }: SubscriptionRecord): void {
    this.#subscriber(relayId, server)?.add(notifierId)
  }

  /** Subscribes to a relay, if that was not begun already. */
  open(relayId: RelayId, server: Server): void {
    this.#subscriber(relayId, server)
  }

  /** Whether everything of a relay that is subscribed to was asked for. */
  isUp(relayId: RelayId): boolean {
    return this.#subscribers.get(idKey(relayId))?.state === "up"
  }

  /** A queue of a relay is to be subscribed; does nothing for a relay that was not opened. */
  add(relayId: RelayId, notifierId: EntityId): void {
    this.#subscribers.get(idKey(relayId))?.add(notifierId)
  }

  /**
   * Ends the subscription to a relay, and resolves when what it had sent is stored, or at the deadline cannot be.
   * `disconnected` is called before, when the relay is free for another subscriber: storing notifications takes no lease.
   */
  async close(relayId: RelayId, disconnected?: () => Promise<void>, deadline?: AbortSignal): Promise<void> {
    const subscriber = this.#subscribers.get(idKey(relayId))
    this.#subscribers.delete(idKey(relayId))
    await subscriber?.disconnect()
    const stored = subscriber?.stop(deadline)
    try {
      await disconnected?.()
    } finally {
      await stored
    }
  }

  drop(queues: readonly DroppedQueue[]): void {
    const relays = new Map<string, RelayId>()
    for (const { relayId, notifierId } of queues) {
      relays.set(idKey(relayId), relayId)
      this.#subscribers.get(idKey(relayId))?.remove(notifierId)
    }
    for (const relayId of relays.values()) void this.#leave(relayId)
  }

  /** Ends all subscriptions; see {@link close}. */
  async stop(deadline?: AbortSignal): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#subscribers.values()].map((subscriber) => subscriber.stop(deadline)))
  }

  #subscriber(relayId: RelayId, server: Server): RelaySubscriber | undefined {
    if (this.#stopped) return undefined
    const key = idKey(relayId)
    const known = this.#subscribers.get(key)
    if (known !== undefined) return known
    const { store, clock, log, statistics, pushes, random } = this.#parts
    const subscriber = new RelaySubscriber(
      relayId,
      { connect: (signal) => this.#connect(relayId, server, signal), batch: this.#options.batch, random },
      {
        ...{ store, log, clock: this.#parts.clientClock ?? systemClientClock },
        intake: new NotificationIntake(relayId, { store, clock, log, statistics, pushes }),
        ...{ connecting: this.#connecting, subscribing: this.#subscribing },
      },
    )
    this.#subscribers.set(key, subscriber)
    subscriber.start()
    return subscriber
  }

  /** Ends the connection to a relay that nobody is interested in any more. */
  async #leave(relayId: RelayId): Promise<void> {
    const key = idKey(relayId)
    try {
      const relay = await this.#parts.store.relay(relayId)
      const subscriber = this.#subscribers.get(key)
      if (relay === undefined || relay.total > 0 || subscriber === undefined || subscriber.pending > 0) return
      this.#subscribers.delete(key)
      await subscriber.stop()
    } catch (error) {
      this.#parts.log.warn("a relay could not be left", { error })
    }
  }

  async #connect(relayId: RelayId, server: Server, signal: AbortSignal): Promise<SmpConnection> {
    const { store, crypto, clock } = this.#parts
    const { useService, allowPrivate, connectTimeout, commandTimeout, pingInterval, dial = tcpDial() } = this.#options
    const now = Math.floor(clock.now() / 1000)
    const stored = useService ? (await store.relay(relayId))?.credentials : undefined
    // One for each relay, so that relays cannot tell by it that they are subscribed by the same server.
    const credentials = useService
      ? (stored ?? (await store.keepCredentials(relayId, createServiceCredentials(crypto, { now }))))
      : undefined
    let usable = false
    const onUsable = (): void => {
      usable = true
    }
    const connected = connect(server, {
      ...{ crypto, signal, connectTimeoutMs: connectTimeout, commandTimeoutMs: commandTimeout },
      ...(this.#parts.clientClock && { clock: this.#parts.clientClock }),
      dial: guardedDial(dial, { allowPrivate, onUsable }),
      keepAlive: { pingAfterMs: pingInterval },
      ...(credentials && { service: { role: "N", credentials } }),
    })
    return connected.catch((error: unknown) => {
      // One host that is refused does not make a relay unusable whose other host is only away.
      const refused = error instanceof SmpClientError && error.cause instanceof RefusedAddress
      throw refused && usable ? new SmpClientError({ code: "CONNECT", stage: "DIAL" }) : error
    })
  }
}
