import { equalBytes, idKey } from "@sluice/encoding/bytes"
import type { Log } from "@sluice/ops/log"
import { Backoff } from "@sluice/smp-client/backoff"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { CancelTimer, Clock as ClientClock } from "@sluice/smp-client/clock"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { ConnectionEvent } from "@sluice/smp-client/events"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { NtfStore, RelayId, SubscriptionRecord, SubscriptionUpdate } from "../store/ntf-store.ts"
import { RefusedAddress } from "./address-guard.ts"
import { type ConnectLanes, RelayStanding } from "./connect-lanes.ts"
import type { Limiter } from "./limiter.ts"
import type { NotificationIntake } from "./notification-intake.ts"
import { agreeOnService } from "./service-subscription.ts"
import { NO_HOST, type SubscriptionResult, subscriptionResult } from "./subscription-result.ts"

/** How one relay is subscribed. */
export interface SubscriberOptions {
  /** Connects with the certificate for this relay, or without one. */
  readonly connect: (signal: AbortSignal) => Promise<SmpConnection>
  /** Subscriptions that are asked for at a time. */
  readonly batch: number
  readonly random: () => number
}

export interface SubscriberParts {
  readonly store: NtfStore
  readonly log: Log
  readonly clock: ClientClock
  readonly intake: NotificationIntake
  /** Relays that connect at a time. */
  readonly connecting: ConnectLanes
  /** Batches of subscriptions under way at a time. */
  readonly subscribing: Limiter
}

/** Waits between attempts: 1 s at first, up to 10 s (notifications.md §5.1). */
const BACKOFF = { initialMs: 1000, maxMs: 10_000, factor: 1.5, stableMs: 10_000 }
/** Wait before subscriptions that were not answered are tried again on the same connection, ms. */
const AGAIN_AFTER = 1000

/** State of a relay's connection, for metrics. */
export type SubscriberState = "connecting" | "subscribing" | "up" | "waiting" | "stopped"

/**
 * Keeps this server subscribed to one relay: connects, subscribes its service and then, page by page, what the service does
 * not cover; takes the relay's notifications in; comes back when the connection is lost. Nothing of the set of
 * subscriptions is held in memory but those that are new or were not answered.
 */
export class RelaySubscriber {
  readonly relayId: RelayId
  readonly #options: SubscriberOptions
  readonly #parts: SubscriberParts
  readonly #backoff: Backoff
  readonly #stop = new AbortController()
  /** Queues to be subscribed that no page brings. */
  readonly #added = new Map<string, EntityId>()
  /** What relay events say about subscriptions, to be stored in order. */
  #updates: SubscriptionUpdate[] = []
  #storing: Promise<void> | undefined
  #wake: () => void = () => undefined
  #state: SubscriberState = "connecting"
  #connection: SmpConnection | undefined
  /** Queues subscribed one by one on this connection. */
  #individually = 0
  #done: Promise<void> = Promise.resolve()

  constructor(relayId: RelayId, options: SubscriberOptions, parts: SubscriberParts) {
    this.relayId = relayId
    this.#options = options
    this.#parts = parts
    this.#backoff = new Backoff(BACKOFF, options.random)
  }

  get state(): SubscriberState {
    return this.#state
  }

  /** Subscriptions that wait to be made. */
  get pending(): number {
    return this.#added.size
  }

  get subscribed(): number {
    return this.#individually
  }

  start(): void {
    this.#done = this.#run()
  }

  /** A subscription was stored that is to be made. */
  add(notifierId: EntityId): void {
    this.#added.set(idKey(notifierId), notifierId)
    this.#wake()
  }

  /** A queue is of no interest any more. */
  remove(notifierId: EntityId): void {
    this.#added.delete(idKey(notifierId))
  }

  /** Closes the connection, and resolves when it is gone and no status of its subscriptions is to be stored any more. */
  async disconnect(): Promise<void> {
    this.#stop.abort()
    this.#wake()
    await this.#connection?.close()
    await this.#done
    await this.#storing
  }

  /** Disconnects, and resolves when what was received is stored, or at the deadline cannot be. */
  async stop(deadline?: AbortSignal): Promise<void> {
    await this.disconnect()
    await this.#parts.intake.drained(deadline)
  }

  async #run(): Promise<void> {
    const { log, clock, connecting } = this.#parts
    const { signal } = this.#stop
    const standing = new RelayStanding(await this.#hasAnswered())
    while (!signal.aborted) {
      this.#state = "connecting"
      const began = clock.now()
      try {
        const connection = await connecting.run(standing.now, () => {
          signal.throwIfAborted()
          return this.#options.connect(signal)
        })
        standing.answered()
        await this.#serve(connection)
        if (clock.now() - began >= this.#backoff.stableMs) this.#backoff.reset()
      } catch (error) {
        if (signal.aborted) break
        standing.failed()
        await this.#failed(error).catch((failure: unknown) => {
          // The store is away as well: the next attempt comes to the same end, and to a store that is back.
          log.error("what is wrong with a relay could not be stored", { error: failure })
        })
      }
      if (signal.aborted) break
      this.#state = "waiting"
      await this.#pause(this.#backoff.next())
      log.debug("connecting to a relay again")
    }
    this.#state = "stopped"
  }

  /** Whether an earlier process had an answer of this relay: what it was asked for has another status then. */
  async #hasAnswered(): Promise<boolean> {
    const { store, log } = this.#parts
    try {
      if ((await store.relay(this.relayId))?.serviceId !== undefined) return true
      const [some] = (await store.subscriptionsToMake(this.relayId, { limit: 1 })).items
      return some !== undefined && some.status.type !== "NEW" && some.status.type !== "ERR"
    } catch (error) {
      log.debug("what is known of a relay could not be read", { error })
      return false
    }
  }

  /** Serves one connection until it is gone. */
  async #serve(connection: SmpConnection): Promise<void> {
    this.#connection = connection
    this.#individually = 0
    this.#state = "subscribing"
    // Resolves rather than rejects, so that nobody has to look at it.
    let open = true
    const closed = new Promise<void>((resolve) => {
      connection.events.onAny((event) => {
        if (event.type !== "closed") return this.#onEvent(connection, event)
        open = false
        this.#wake()
        resolve()
      })
    })
    try {
      await agreeOnService(connection, this.relayId, this.#parts)
      await this.#subscribeStored(connection)
      if (open) await this.#parts.store.setUp(this.relayId, true)
      if (open) this.#state = "up"
      while (open && connection.open && !this.#stop.signal.aborted) {
        if (this.#added.size > 0) {
          const again = await this.#subscribeAdded(connection)
          if (again && open) await this.#pause(AGAIN_AFTER)
        } else await this.#woken(() => !open || this.#added.size > 0)
      }
      await closed
    } finally {
      this.#connection = undefined
      await connection.close()
      await this.#storing
      // What is subscribed one by one counts as inactive from here on.
      await this.#parts.store.setUp(this.relayId, false)
    }
  }

  /** Goes through the stored subscriptions that are to be made one by one. */
  async #subscribeStored(connection: SmpConnection): Promise<void> {
    const { store, subscribing } = this.#parts
    let after: Uint8Array | undefined
    do {
      const page = await store.subscriptionsToMake(this.relayId, { after, limit: this.#options.batch })
      if (page.items.length > 0) await subscribing.run(() => this.#subscribe(connection, page.items))
      after = page.next
    } while (after !== undefined && connection.open)
  }

  /** Gives whether some were not answered. */
  async #subscribeAdded(connection: SmpConnection): Promise<boolean> {
    const { store, subscribing } = this.#parts
    const some = [...this.#added].slice(0, this.#options.batch)
    const found = await store.subscriptionsOf(
      this.relayId,
      some.map(([, notifierId]) => notifierId),
    )
    for (const [key] of some) this.#added.delete(key)
    const fresh = found.filter(({ status }) => status.type === "NEW")
    if (fresh.length > 0) {
      const pending = fresh.map(({ notifierId }) => ({ notifierId, status: { type: "PENDING" } as const }))
      await store.updateSubscriptions(this.relayId, pending)
    }
    if (found.length === 0) return false
    return subscribing.run(() => this.#subscribe(connection, found))
  }

  /** `NSUB` for some subscriptions; gives whether some were not answered and are to be tried again. */
  async #subscribe(connection: SmpConnection, some: readonly SubscriptionRecord[]): Promise<boolean> {
    const outcomes = await connection.subscribeNotifiers(some)
    // What a lost connection leaves open is found in the store by the next one.
    const own = connection.session.service?.serviceId
    const updates: SubscriptionUpdate[] = []
    let again = false
    for (const [index, outcome] of outcomes.entries()) {
      const { notifierId } = some[index] as SubscriptionRecord
      const result: SubscriptionResult = subscriptionResult(outcome, own)
      if (result !== "again") {
        updates.push({ notifierId, ...result })
        if (result.status.type === "ACTIVE") this.#individually++
      } else if (connection.open) {
        again = true
        this.#added.set(idKey(notifierId), notifierId)
      }
    }
    await this.#store(updates)
    return again
  }

  #onEvent(connection: SmpConnection, event: ConnectionEvent): void {
    const { intake, log } = this.#parts
    switch (event.type) {
      case "notification":
        intake.add(event, connection)
        break
      case "end":
        void this.#store([{ notifierId: event.entityId.slice(), status: { type: "END" } }])
        break
      case "deleted":
        void this.#store([{ notifierId: event.entityId.slice(), status: { type: "DELETED" } }])
        break
      case "late-answer":
        this.#onLateAnswer(connection, event)
        break
      case "service-end":
        log.warn("another connection subscribed for our service", { count: Number(event.counters.count) })
        break
      default:
        log.debug("an event of a relay", { kind: event.type })
    }
  }

  #onLateAnswer(connection: SmpConnection, event: Extract<ConnectionEvent, { type: "late-answer" }>): void {
    const { answer, command, entityId } = event
    if (command !== "NSUB" || (answer.tag !== "SOK" && answer.tag !== "OK")) return
    const own = connection.session.service?.serviceId
    const serviceId = answer.tag === "SOK" ? answer.serviceId : undefined
    const associated = own !== undefined && serviceId !== undefined && equalBytes(serviceId, own)
    void this.#store([{ notifierId: entityId.slice(), status: { type: "ACTIVE" }, associated }])
  }

  /** Stores in the order of the calls; a failure is logged, as the next start finds out what holds. */
  #store(updates: readonly SubscriptionUpdate[]): Promise<void> {
    this.#updates.push(...updates)
    this.#storing ??= this.#storeAll()
    return this.#storing
  }

  async #storeAll(): Promise<void> {
    await Promise.resolve()
    while (this.#updates.length > 0) {
      const updates = this.#updates
      this.#updates = []
      try {
        await this.#parts.store.updateSubscriptions(this.relayId, updates)
      } catch (error) {
        this.#parts.log.error("statuses of subscriptions could not be stored", { error })
      }
    }
    this.#storing = undefined
  }

  async #failed(error: unknown): Promise<void> {
    const { log, store } = this.#parts
    if (!(error instanceof SmpClientError)) {
      log.error("a relay could not be subscribed", { error })
      return
    }
    log.debug("a relay cannot be reached", { reason: error.problem.code })
    if (!(error.cause instanceof RefusedAddress)) return
    // Only another address would help, so its subscriptions are over.
    let after: Uint8Array | undefined
    do {
      const page = await store.subscriptionsToMake(this.relayId, { after, limit: this.#options.batch })
      await this.#store(page.items.map(({ notifierId }) => ({ notifierId, status: NO_HOST, associated: false })))
      after = page.next
    } while (after !== undefined)
    this.#added.clear()
    await this.#woken(() => this.#added.size > 0)
  }

  /** Waits until `ready` holds or this stops. */
  async #woken(ready: () => boolean): Promise<void> {
    while (!ready() && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Waits, but not beyond the end. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#stop
      const done = (): void => {
        cancel()
        signal.removeEventListener("abort", done)
        resolve()
      }
      const cancel: CancelTimer = this.#parts.clock.after(ms, done)
      signal.addEventListener("abort", done, { once: true })
      if (signal.aborted) done()
    })
  }
}
