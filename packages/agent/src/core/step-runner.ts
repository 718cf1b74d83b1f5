import { idKey, latin1 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { Timer } from "@sluice/ops/clock"
import type { SmpCommands } from "@sluice/smp-client/smp-commands"
import { abandon } from "../connection/abandon.ts"
import type { Draft } from "../connection/draft.ts"
import {
  receiveQueueSecured,
  replyQueueCreated,
  requestBody,
  requestSent,
  sendQueueSecured,
} from "../connection/handshake.ts"
import { FAST, firstRetry, nextRetry } from "../connection/retry.ts"
import { receiveQueueDeleted, switchQueueCreated } from "../connection/rotation.ts"
import { nextStep, type Step } from "../connection/steps.ts"
import { AgentError, isWorthRetrying } from "../errors.ts"
import { asAgentError, networkError } from "../network/network-error.ts"
import type { Routes } from "../network/routes.ts"
import { ownerOf } from "../network/session-key.ts"
import type { SessionPool } from "../network/session-pool.ts"
import type { Subscriptions } from "../network/subscriptions.ts"
import type { ConnectionId, ConnectionRecord, RetryState } from "../store/records.ts"
import type { AgentBase } from "./base.ts"
import type { Connections } from "./connections.ts"
import { createNotified } from "./create-notified.ts"
import { isEmpty } from "./draining.ts"
import { Locks } from "./locks.ts"
import { subscribed } from "./subscribed.ts"
import type { Users } from "./users.ts"

/** What {@link StepRunner} needs. */
export interface StepParts extends Pick<AgentBase, "store" | "crypto" | "clock" | "random" | "events"> {
  readonly users: Users
  readonly pool: SessionPool
  readonly routes: Routes
  readonly subscriptions: Subscriptions
  readonly connections: Connections
  /** Whether new queues are to have a notifier. */
  readonly notifications: { readonly wanted: boolean }
}

/** Takes the steps of connections: asks servers, and puts their answers into the connections' states. */
export class StepRunner {
  readonly #parts: StepParts
  readonly #locks = new Locks()
  readonly #running = new Set<string>()
  readonly #retries = new Map<string, { readonly timer: Timer; readonly failed: string }>()
  #stopped = false

  constructor(parts: StepParts) {
    this.#parts = parts
  }

  /**
   * Takes all steps that a connection has, for a caller who waits. Rejects with the first failure: the connection stays
   * where it is, and another call goes on from there. An aborted `signal` ends it between two steps.
   */
  attend(id: ConnectionId, signal?: AbortSignal): Promise<void> {
    return this.#locks.run(idKey(id), () => this.#takeAll(id, signal))
  }

  /**
   * Takes the steps of a connection in the background, and tries again what fails for now. While a step waits to be tried
   * again, only another step that is due before it makes a difference.
   */
  start(record: ConnectionRecord): void {
    const key = idKey(record.id)
    if (this.#stopped || this.#running.has(key)) return
    const retry = this.#retries.get(key)
    if (retry?.failed === nameOf(nextStep(record))) return
    retry?.timer.cancel()
    this.#retries.delete(key)
    this.#run(record.id, firstRetry(FAST))
  }

  /** Goes on with all steps that are to be taken, e.g. after a start. */
  async startAll(): Promise<void> {
    for (const record of await this.#parts.store.list("connections")) {
      if (record.attended !== true && nextStep(record) !== undefined) this.start(record)
    }
  }

  /** Tries at once what waits: the network is back. */
  retryNow(): void {
    for (const [key, { timer }] of this.#retries) {
      timer.cancel()
      this.#retries.delete(key)
      this.#run(latin1(key), firstRetry(FAST))
    }
  }

  /** Starts no more steps; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const { timer } of this.#retries.values()) timer.cancel()
    this.#retries.clear()
    await this.#locks.idle()
  }

  /** Goes on after {@link stop}. */
  resume(): void {
    this.#stopped = false
  }

  #run(id: ConnectionId, state: RetryState): void {
    const key = idKey(id)
    this.#running.add(key)
    this.attend(id)
      .then(
        () => undefined,
        (error: unknown) =>
          error instanceof NotYet ? this.#wait(id, state) : this.#failed(id, asAgentError(error), state),
      )
      .catch((error: unknown) => this.#parts.events.emit({ type: "error", error: asAgentError(error) }))
      .finally(() => this.#running.delete(key))
  }

  async #takeAll(id: ConnectionId, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted()
      if (this.#stopped) throw new AgentError({ code: "INACTIVE" })
      const record = await this.#parts.store.get("connections", [id])
      const step = record && nextStep(record)
      if (record === undefined || step === undefined) return
      await this.#take(record, step)
    }
  }

  async #failed(id: ConnectionId, error: AgentError, state: RetryState): Promise<void> {
    if (this.#stopped || error.problem.code === "INACTIVE") return
    const { connections, users, random } = this.#parts
    const later = isWorthRetrying(error.problem)
    const otherServer = (used: readonly Server[], userId: number): Server => users.storageServer(userId, used, random)
    const failed = await connections
      .change(
        id,
        (draft) => {
          const again = abandon(draft, error, later, (used) => otherServer(used, draft.record.userId))
          return again ? nameOf(nextStep(draft.record)) : undefined
        },
        { deletedToo: true },
      )
      // The connection is gone, and with it what there was to do.
      .catch(() => undefined)
    if (failed !== undefined) this.#tryLater(id, state, failed)
  }

  async #wait(id: ConnectionId, state: RetryState): Promise<void> {
    const record = await this.#parts.store.get("connections", [id])
    if (record !== undefined && !this.#stopped) this.#tryLater(id, state, nameOf(nextStep(record)))
  }

  #tryLater(id: ConnectionId, state: RetryState, failed: string): void {
    const again = (): void => {
      this.#retries.delete(idKey(id))
      this.#run(id, nextRetry(state, FAST))
    }
    const timer = this.#parts.clock.setTimeout(again, state.delay, { background: true })
    this.#retries.set(idKey(id), { timer, failed })
  }

  async #take(record: ConnectionRecord, step: Step): Promise<void> {
    switch (step.type) {
      case "secure-send": {
        const { server, senderId, key } = step.queue
        await this.#asSender(record, server, (relay) => relay.secureAsSender({ senderId }, step.keys))
        return await this.#apply(record, (draft) => sendQueueSecured(draft, key))
      }
      case "create":
        return await this.#create(record, step)
      case "request": {
        const { connections } = this.#parts
        const body = await connections.change(record.id, requestBody)
        const { server, senderId } = step.address
        await this.#asSender(record, server, (relay) => relay.sendMessage({ senderId }, body, { notify: true }))
        return await this.#apply(record, requestSent)
      }
      case "secure-receive": {
        const { queue } = step
        const { toSecure } = queue
        if (toSecure !== undefined)
          await this.#asRecipient(record, queue.server, (relay) => relay.secure(queue, toSecure))
        return await this.#apply(record, (draft) => receiveQueueSecured(draft, queue.key))
      }
      case "delete":
        return await this.#delete(record, step)
    }
  }

  async #create(
    record: ConnectionRecord,
    { planned, subscribe }: Extract<Step, { readonly type: "create" }>,
  ): Promise<void> {
    const { crypto, connections, subscriptions, users, notifications } = this.#parts
    const address = users.addressOf(record.userId, planned.server) ?? planned.server
    const e2eKeys = crypto.generateKeyPair("x25519")
    // A queue that is to replace another one takes over its notifications when that goes.
    const notified = notifications.wanted && planned.purpose !== "switch"
    const created = await this.#asRecipient(record, address, (relay) =>
      createNotified(relay, notified, { mode: "messaging", subscribe }),
    )
    const made = { server: address, created, e2eKeys }
    // In one turn, so that a first message finds the queue, and waits for the change of its connection.
    if (subscribe) subscriptions.created(subscribed(record, { server: address, ...created }))
    await connections.change(record.id, (draft) => {
      if (planned.purpose === "switch") switchQueueCreated(draft, made)
      else replyQueueCreated(draft, made)
    })
  }

  /** A queue that the server does not know any more is as good as deleted. */
  async #delete(record: ConnectionRecord, { queue }: Extract<Step, { readonly type: "delete" }>): Promise<void> {
    if (queue.switching === "received_message" && record.deleted === undefined) {
      const empty = await isEmpty(this.#parts, record, queue).catch((error: unknown) => {
        throw networkError(error, queue)
      })
      if (!empty) throw new NotYet()
    }
    this.#parts.subscriptions.remove(queue)
    await this.#asRecipient(record, queue.server, (relay) => relay.deleteQueue(queue)).catch((error: unknown) => {
      if (!isGone(error)) throw error
    })
    await this.#apply(record, (draft) => receiveQueueDeleted(draft, queue))
  }

  async #apply(record: ConnectionRecord, build: (draft: Draft) => void): Promise<void> {
    await this.#parts.connections.change(record.id, build, { deletedToo: true })
  }

  #asRecipient<T>(record: ConnectionRecord, server: Server, command: (relay: SmpCommands) => Promise<T>): Promise<T> {
    return this.#parts.pool.ask(ownerOf(record), server, command)
  }

  async #asSender(
    record: ConnectionRecord,
    server: Server,
    command: (relay: SmpCommands) => Promise<void>,
  ): Promise<void> {
    await this.#parts.routes.send(ownerOf(record), server, command)
  }
}

/** A step that is due only when something else has happened. */
class NotYet extends Error {
  override readonly name = "NotYet"
}

/** What a step is about: a later one of the same name is the same step. */
function nameOf(step: Step | undefined): string {
  return step === undefined ? "" : "queue" in step ? `${step.type} ${step.queue.key}` : step.type
}

function isGone(error: unknown): boolean {
  return error instanceof AgentError && error.problem.code === "SMP" && error.problem.error.type === "AUTH"
}
