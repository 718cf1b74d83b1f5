import { idKey } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { Timer } from "@sluice/ops/clock"
import { deliveryFailed, deliverySucceeded } from "../connection/delivered.ts"
import type { Draft } from "../connection/draft.ts"
import { envelopeOf } from "../connection/outgoing.ts"
import { isSecurable, sealForQueue } from "../connection/queue-box.ts"
import { canDeliver } from "../connection/steps.ts"
import type { AgentError } from "../errors.ts"
import { asAgentError } from "../network/network-error.ts"
import type { Routes } from "../network/routes.ts"
import { ownerOf } from "../network/session-key.ts"
import type { ConnectionId, ConnectionRecord, DeliveryRecord, SendQueueRecord, SentRecord } from "../store/records.ts"
import { type AgentBase, type EnvSource, envOf } from "./base.ts"
import type { Connections } from "./connections.ts"

/** What {@link Deliveries} need. */
export interface DeliveryParts extends EnvSource, Pick<AgentBase, "events"> {
  readonly connections: Connections
  readonly routes: Routes
}

interface Worker {
  readonly connectionId: ConnectionId
  readonly queue: number
  running: boolean
  /** A message is on its way. */
  sending: boolean
  /** Queues that take over from this one, and wait until that message has arrived or not. */
  readonly successors: Set<number>
  /** Something has changed since the worker looked. */
  again: boolean
  timer: Timer | undefined
}

/** One message on its way. */
interface Head {
  readonly record: ConnectionRecord
  readonly queue: SendQueueRecord
  readonly delivery: DeliveryRecord
  readonly sent: SentRecord
}

/**
 * Delivers what is stored: for each queue one worker, which sends strictly in order and stays with the first message until
 * its server has taken it, or there is no more sense in trying (agent.md §10).
 */
export class Deliveries {
  readonly #parts: DeliveryParts
  readonly #workers = new Map<string, Worker>()
  readonly #busy = new Set<Promise<void>>()
  #stopped = false

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Starts the worker of a queue, if it has something to do and does not run. */
  wake(connectionId: ConnectionId, queue: number): void {
    if (this.#stopped) return
    const key = workerKey(connectionId, queue)
    const known = this.#workers.get(key)
    const worker = known ?? newWorker(connectionId, queue)
    if (known === undefined) this.#workers.set(key, worker)
    worker.again = true
    if (worker.running) return
    worker.timer?.cancel()
    worker.timer = undefined
    worker.running = true
    const ended = this.#run(worker).finally(() => {
      worker.running = false
      if (worker.again) this.wake(connectionId, queue)
      else if (worker.timer === undefined) this.#workers.delete(key)
    })
    this.#busy.add(ended)
    this.#watched(
      connectionId,
      ended.finally(() => this.#busy.delete(ended)),
    )
  }

  /**
   * Delivers what a connection has, for a caller who waits. Rejects with the first failure: the message stays where it is,
   * and another call goes on from there. For connections whose worker waits for the caller.
   */
  async attend(connectionId: ConnectionId, queue: number): Promise<void> {
    for (;;) {
      const head = await this.#head({ connectionId, queue }, true)
      if (head === undefined) return
      const proxy = await this.#send(head.record, head.queue, head.sent)
      const { delivery, sent } = head
      await this.#parts.connections.change(connectionId, (draft) => deliverySucceeded(draft, delivery, sent, proxy))
    }
  }

  /** Everything that waits in the store, after a start. */
  async wakeAll(): Promise<void> {
    for (const { connectionId, queue } of await this.#parts.store.list("deliveries")) this.wake(connectionId, queue)
  }

  /** Tries at once what waits for its time: the network is back. */
  retryNow(): void {
    for (const { connectionId, queue, timer } of [...this.#workers.values()]) {
      if (timer !== undefined) this.#watched(connectionId, this.#skipWait(connectionId, queue))
    }
  }

  /** Starts no more deliveries; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const worker of this.#workers.values()) worker.timer?.cancel()
    await Promise.allSettled(this.#busy)
    this.#workers.clear()
  }

  /** Goes on after {@link stop}. */
  resume(): void {
    this.#stopped = false
  }

  #watched(connectionId: ConnectionId, work: Promise<void>): void {
    work.catch((error: unknown) => this.#parts.events.emit({ type: "error", connectionId, error: asAgentError(error) }))
  }

  async #run(worker: Worker): Promise<void> {
    while (!this.#stopped) {
      worker.again = false
      const head = await this.#head(worker)
      if (head === undefined) return
      const wait = head.delivery.notBefore - this.#parts.clock.now()
      if (wait > 0) {
        this.#sleep(worker, wait)
        return
      }
      worker.sending = true
      await this.#deliver(head).finally(() => (worker.sending = false))
      for (const successor of worker.successors) this.wake(worker.connectionId, successor)
      worker.successors.clear()
    }
  }

  #sleep(worker: Worker, ms: number): void {
    const { connectionId, queue } = worker
    worker.timer = this.#parts.clock.setTimeout(
      () => {
        worker.timer = undefined
        this.wake(connectionId, queue)
      },
      ms,
      { background: true },
    )
  }

  /** The first message of a queue, if it can be delivered now. What has no queue any more is dropped. */
  async #head(
    { connectionId, queue: key }: Pick<Worker, "connectionId" | "queue">,
    attended = false,
  ): Promise<Head | undefined> {
    const { store } = this.#parts
    const [delivery] = await store.list("deliveries", { prefix: [connectionId, key], limit: 1 })
    if (delivery === undefined) return undefined
    const record = await store.get("connections", [connectionId])
    const sent = await store.get("sent", [connectionId, delivery.sentId])
    const queue = record?.sendQueues.find((one) => one.key === key)
    if (record === undefined || queue === undefined || sent?.content === undefined) {
      await store.commit([{ table: "deliveries", remove: [connectionId, key, delivery.sentId] }])
      this.wake(connectionId, key)
      return undefined
    }
    if (record.deleted !== undefined && !record.deleted.wait) return undefined
    if (record.attended === true && !attended) return undefined
    if (this.#mustWait(connectionId, queue)) return undefined
    return canDeliver(record, queue, sent.kind === "CONFIRMATION") ? { record, queue, delivery, sent } : undefined
  }

  /** A queue takes over only when nothing is on its way to the old one any more: messages keep their order. */
  #mustWait(connectionId: ConnectionId, { key, replaces }: SendQueueRecord): boolean {
    const old = replaces === undefined ? undefined : this.#workers.get(workerKey(connectionId, replaces))
    if (old?.sending !== true) return false
    old.successors.add(key)
    return true
  }

  async #deliver({ record, queue, delivery, sent }: Head): Promise<void> {
    const { connections, limits, store } = this.#parts
    /** What is kept of the message when its fate is known: meanwhile it may have been given to another queue. */
    const now = (): Promise<SentRecord | undefined> => store.get("sent", [record.id, sent.sentId])
    const succeeded = async (draft: Draft, proxy: Server | undefined): Promise<void> => {
      const kept = await now()
      if (kept !== undefined) await deliverySucceeded(draft, delivery, kept, proxy)
    }
    const failed = async (draft: Draft, error: AgentError): Promise<void> => {
      const kept = await now()
      if (kept?.pending.includes(delivery.queue)) await deliveryFailed(draft, delivery, kept, error, limits)
    }
    try {
      const proxy = await this.#send(record, queue, sent)
      await connections.change(record.id, (draft) => succeeded(draft, proxy), DELETED_TOO)
    } catch (reason) {
      const error = asAgentError(reason)
      if (isAboutDelivery(error)) await connections.change(record.id, (draft) => failed(draft, error), DELETED_TOO)
    }
  }

  /** Sends a message, and gives the proxy that it went through. */
  async #send(record: ConnectionRecord, queue: SendQueueRecord, sent: SentRecord): Promise<Server | undefined> {
    const env = envOf(this.#parts)
    const { content } = sent
    if (content === undefined) return undefined
    const confirmation = sent.kind === "CONFIRMATION"
    const body = sealForQueue(env, queue, envelopeOf({ env }, content), confirmation)
    const signed = !confirmation || isSecurable(queue)
    const to = { senderId: queue.senderId, senderKey: signed ? queue.senderKeys.privateKey : undefined }
    const { proxy } = await this.#parts.routes.send(ownerOf(record), queue.server, (relay) =>
      relay.sendMessage(to, body, { notify: sent.notify }),
    )
    return proxy
  }

  async #skipWait(connectionId: ConnectionId, queue: number): Promise<void> {
    const { store } = this.#parts
    const [first] = await store.list("deliveries", { prefix: [connectionId, queue], limit: 1 })
    if (first !== undefined) await store.commit([{ table: "deliveries", put: { ...first, notBefore: 0 } }])
    this.wake(connectionId, queue)
  }
}

function newWorker(connectionId: ConnectionId, queue: number): Worker {
  return { connectionId, queue, running: false, sending: false, successors: new Set(), again: false, timer: undefined }
}

function workerKey(connectionId: ConnectionId, queue: number): string {
  return `${queue}/${idKey(connectionId)}`
}

const DELETED_TOO = { deletedToo: true } as const

/** Errors of the agent itself say nothing about the message, which stays where it is. */
function isAboutDelivery({ problem }: AgentError): boolean {
  if (problem.code === "CONN") return problem.reason !== "NOT_FOUND"
  return problem.code !== "INACTIVE" && problem.code !== "STORE"
}
