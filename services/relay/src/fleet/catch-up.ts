import { idKey } from "@sluice/encoding/bytes"
import type { Missed } from "@sluice/fleet/fleet"
import { type Clock, sleep } from "@sluice/ops/clock"
import type { PlainCounter } from "@sluice/ops/plain-metrics"
import type { Client } from "../client.ts"
import type { RelayContext } from "../context.ts"
import type { Subscription } from "../subscription.ts"

/** Subscriptions that are looked at together. */
const BATCH = 128
/** Pause after each batch, milliseconds: some 5,000 subscriptions a second at the most. */
const PAUSE = 25
/** Waiting times after failures of the store, milliseconds. */
const FIRST_RETRY = 250
const LAST_RETRY = 15_000
/** No message has this ID: an ACK of it removes nothing, and tells whether the subscription still holds. */
const NO_MESSAGE = new Uint8Array(24)

/**
 * Looks for what hints may have been missed about, in bounded batches with pauses. One round at a time; what is asked for
 * meanwhile makes one more.
 */
export class CatchUp {
  readonly #relay: RelayContext
  readonly #clock: Clock
  readonly #repeeked: PlainCounter
  readonly #onError: (error: unknown) => void
  readonly #stop = new AbortController()
  #wanted: Missed | undefined
  #running: Promise<void> | undefined

  constructor(relay: RelayContext, repeeked: PlainCounter, onError: (error: unknown) => void) {
    this.#relay = relay
    this.#clock = relay.clock
    this.#repeeked = repeeked
    this.#onError = onError
  }

  request(what: Missed): void {
    if (this.#stop.signal.aborted) return
    if (this.#wanted !== "everything") this.#wanted = what
    this.#running ??= this.#rounds().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when nothing is left to look at. */
  async idle(): Promise<void> {
    await this.#running
  }

  stop(): void {
    this.#stop.abort()
  }

  async #rounds(): Promise<void> {
    let delay = FIRST_RETRY
    while (this.#wanted !== undefined && !this.#stop.signal.aborted) {
      const what = this.#wanted
      this.#wanted = undefined
      try {
        await this.#round(what)
        delay = FIRST_RETRY
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#onError(error)
        if (this.#wanted !== "everything") this.#wanted = what
        // Stopping ends the wait with an error; the loop sees it by itself.
        await this.#pause(delay).catch(() => undefined)
        delay = Math.min(2 * delay, LAST_RETRY)
      }
    }
  }

  async #round(what: Missed): Promise<void> {
    const { delivery, services, notifications } = this.#relay
    const all = [...delivery.subscriptions()]
    const some = what === "everything" ? all : all.filter(({ state }) => state === "idle")
    for (let at = 0; at < some.length; at += BATCH) {
      const batch = some.slice(at, at + BATCH)
      this.#repeeked.value += batch.length
      if (what === "everything") await Promise.all(batch.map((subscription) => this.#verify(subscription)))
      else for (const subscription of batch) delivery.lookAgain(subscription)
      if (at + BATCH < some.length) await this.#pause(PAUSE)
    }
    for (const serviceId of services.subscribed("messages")) await this.#service(serviceId)
    for (const serviceId of services.subscribed("notifications")) await notifications.storedForService(serviceId)
    if (notifications.subscribed > 0) await this.#notifiers()
  }

  /** Compares a subscription with the store: ends it when another node has it, reads what was stored meanwhile. */
  async #verify(subscription: Subscription): Promise<void> {
    const { store, delivery } = this.#relay
    const { owner } = subscription
    if (subscription.ended || owner === undefined) return
    const result = await store.acknowledge(subscription.recipientId, NO_MESSAGE, owner)
    if (subscription.ended || subscription.owner !== owner) return
    switch (result.result) {
      case "not-owner":
        // A SUB that is under way gets a later epoch, which its own answer tells.
        if (subscription.subscribing === 0) delivery.lost(subscription)
        return
      case "no-queue":
        delivery.deletedElsewhere(subscription.recipientId)
        return
      case "acknowledged":
        if (result.next !== undefined) delivery.lookAgain(subscription)
        return
      case "changed":
        // Only where a revision is given.
        return
      default:
        result satisfies never
    }
  }

  async #service(serviceId: Uint8Array): Promise<void> {
    const { store, services } = this.#relay
    await services.client("messages", serviceId)?.serviceWalk
    let cursor: Uint8Array | undefined
    do {
      const page = await store.serviceQueues(serviceId, "messages", { limit: BATCH, ...(cursor && { cursor }) })
      const client = services.client("messages", serviceId)
      if (client === undefined) return
      this.#repeeked.value += page.ids.length
      await this.#serviceQueues(client, serviceId, page.ids)
      cursor = page.cursor
      if (cursor !== undefined) await this.#pause(PAUSE)
    } while (cursor !== undefined)
  }

  /** Only queues with a message cost more than one look. */
  async #serviceQueues(client: Client, serviceId: Uint8Array, ids: readonly Uint8Array[]): Promise<void> {
    const { store, services, delivery } = this.#relay
    const quiet = ids.filter((id) => (client.subscription(idKey(id))?.state ?? "idle") === "idle")
    if (quiet.length === 0) return
    const peeked = await store.peek(quiet)
    const withMessage = quiet.filter((_, index) => peeked[index]?.head !== undefined)
    if (withMessage.length === 0) return
    for (const queue of await store.queuesByRecipient(withMessage)) {
      if (queue?.rcvServiceId === undefined || idKey(queue.rcvServiceId) !== idKey(serviceId)) continue
      if (client.closed || services.client("messages", serviceId) !== client) return
      const known = client.subscription(idKey(queue.recipientId))
      if (known !== undefined) {
        delivery.lookAgain(known)
        continue
      }
      await client.connection.room()
      await delivery.startForService(client, queue)
    }
  }

  async #notifiers(): Promise<void> {
    const { store, notifications } = this.#relay
    let cursor: Uint8Array | undefined
    do {
      const step = await store.pendingNotifiers({ limit: 1024, ...(cursor && { cursor }) })
      for (const notifierId of step.notifierIds) notifications.storedElsewhere({ notifierId })
      cursor = step.cursor
      if (cursor !== undefined) await this.#pause(PAUSE)
    } while (cursor !== undefined)
  }

  #pause(milliseconds: number): Promise<void> {
    return sleep(this.#clock, milliseconds, this.#stop.signal)
  }
}
