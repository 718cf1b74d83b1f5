import { idKey } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { Clock, Timer } from "@sluice/ops/clock"
import { Backoff } from "@sluice/smp-client/backoff"
import type { ClientEvent } from "@sluice/smp-client/client"
import type { RecipientQueue } from "@sluice/smp-client/queue-types"
import type { Outcome } from "@sluice/smp-client/request"
import { type AgentError, isTemporary } from "../errors.ts"
import type { ConnectionId } from "../store/records.ts"
import { asAgentError, networkError } from "./network-error.ts"
import type { Session, SessionPool } from "./session-pool.ts"

/** A queue to receive from. */
export interface SubscribedQueue extends RecipientQueue {
  readonly userId: number
  readonly connectionId: ConnectionId
  readonly server: Server
}

/** What becomes of subscriptions. */
export interface SubscriptionEvents {
  /** A server can not be reached; once until it can. */
  down(server: Server, connections: readonly ConnectionId[]): void
  /** Queues of these connections are subscribed again, that were not. */
  up(server: Server, connections: readonly ConnectionId[]): void
  /** The server refused a subscription for good. */
  failed(queue: SubscribedQueue, error: AgentError): void
  /** Another client has subscribed. */
  ended(queue: SubscribedQueue): void
  /** The queue is gone. */
  deleted(queue: SubscribedQueue): void
}

interface Entry {
  readonly queue: SubscribedQueue
  state: "pending" | "active"
}

interface SessionEntries {
  readonly session: Session
  readonly entries: Map<string, Entry>
  /** `down` was said, or there was no connection yet. */
  isDown: boolean
  timer: Timer | undefined
  readonly backoff: Backoff
}

/** Queues of one batch. */
const BATCH = 1350

/** Pauses before failed subscriptions are tried again (agent.md §14). */
const RETRY = { initialMs: 2000, factor: 1.5, maxMs: 180_000, jitter: 0 }

/**
 * Which queues are subscribed where. The clients below make subscriptions again after a reconnection; this keeps account
 * for the user, who hears of a server once and not of each queue, and tries again what failed for now.
 */
export class Subscriptions {
  readonly #pool: SessionPool
  readonly #clock: Clock
  readonly #events: SubscriptionEvents
  readonly #sessions = new Map<Session, SessionEntries>()
  readonly #byQueue = new Map<string, Entry>()

  constructor(pool: SessionPool, clock: Clock, events: SubscriptionEvents) {
    this.#pool = pool
    this.#clock = clock
    this.#events = events
  }

  /** Whether messages of this queue come here. */
  isActive(queue: Pick<SubscribedQueue, "server" | "recipientId">): boolean {
    return this.#byQueue.get(queueKey(queue))?.state === "active"
  }

  /** Whether this queue is subscribed, or will be as soon as that is possible. */
  has(queue: Pick<SubscribedQueue, "server" | "recipientId">): boolean {
    return this.#byQueue.has(queueKey(queue))
  }

  /** The queue that an event of this session is about. */
  find(session: Session, recipientId: Uint8Array): SubscribedQueue | undefined {
    return this.#sessions.get(session)?.entries.get(idKey(recipientId))?.queue
  }

  /** The session that messages of this queue come through, where they must be acknowledged. */
  sessionOf({ server, recipientId }: Pick<SubscribedQueue, "server" | "recipientId">): Session | undefined {
    const entry = this.#byQueue.get(queueKey({ server, recipientId }))
    for (const { session, entries } of this.#sessions.values()) {
      if (entry !== undefined && entries.get(idKey(recipientId)) === entry) return session
    }
    return undefined
  }

  /** The new queue was subscribed by the very command that made it. */
  created(queue: SubscribedQueue): void {
    const session = this.#pool.session(queue, queue.server)
    const of = this.#of(session)
    of.isDown = false
    this.#add(of, queue, "active")
  }

  /** Subscribes to queues that are not yet; outcomes in their order. What failed for now is tried again by itself. */
  async subscribe(queues: readonly SubscribedQueue[]): Promise<(AgentError | undefined)[]> {
    const results: (AgentError | undefined)[] = queues.map(() => undefined)
    const groups = new Map<SessionEntries, number[]>()
    for (const [n, queue] of queues.entries()) {
      if (this.isActive(queue)) continue
      const of = this.#of(this.#pool.session(queue, queue.server))
      this.#add(of, queue, "pending")
      groups.set(of, [...(groups.get(of) ?? []), n])
    }
    await Promise.all(
      [...groups].map(async ([of, numbers]) => {
        const entries = numbers.map((n) => of.entries.get(idKey((queues[n] as SubscribedQueue).recipientId)) as Entry)
        const errors = await this.#subscribe(of, entries)
        for (const [i, n] of numbers.entries()) results[n] = errors[i]
      }),
    )
    return results
  }

  /** Forgets a queue, e.g. because it is being deleted. */
  remove(queue: Pick<SubscribedQueue, "server" | "recipientId">): void {
    const entry = this.#byQueue.get(queueKey(queue))
    if (entry === undefined) return
    this.#byQueue.delete(queueKey(queue))
    for (const { entries } of this.#sessions.values()) {
      if (entries.get(idKey(queue.recipientId)) === entry) entries.delete(idKey(queue.recipientId))
    }
  }

  /** Forgets sessions that were closed because nobody needs them any more. */
  prune(): void {
    for (const [session, { entries, timer }] of this.#sessions) {
      if (entries.size > 0 || this.#pool.has(session)) continue
      timer?.cancel()
      this.#sessions.delete(session)
    }
  }

  /** Sessions were closed: everything is subscribed again on new ones. */
  async moveAll(): Promise<void> {
    const queues = [...this.#byQueue.values()].map(({ queue }) => queue)
    this.clear()
    await this.subscribe(queues)
  }

  clear(): void {
    for (const { timer } of this.#sessions.values()) timer?.cancel()
    this.#sessions.clear()
    this.#byQueue.clear()
  }

  /** Tries at once what waits to be tried again: the network is back, or the app in front. */
  retryNow(): void {
    for (const of of this.#sessions.values()) {
      of.backoff.reset()
      if (of.timer !== undefined) this.#retry(of)
    }
  }

  /** What the client of a session says. */
  onEvent(session: Session, event: ClientEvent): void {
    const of = this.#sessions.get(session)
    if (of === undefined) return
    switch (event.type) {
      case "down":
        this.#down(of)
        break
      case "resubscribed":
        this.#up(of)
        break
      case "subscription-failed": {
        const entry = event.entityId && of.entries.get(idKey(event.entityId))
        if (entry !== undefined) this.#refused(of, entry, asAgentError(networkError(event.error, session)))
        break
      }
      case "end":
        this.#gone(of, event.entityId, (queue) => this.#events.ended(queue))
        break
      case "deleted":
        this.#gone(of, event.entityId, (queue) => this.#events.deleted(queue))
        break
      case "late-answer":
        if (event.command === "SUB" && isSubscribed(event.answer.tag)) this.#late(of, event.entityId)
        break
      default:
    }
  }

  #of(session: Session): SessionEntries {
    const known = this.#sessions.get(session)
    if (known !== undefined) return known
    const backoff = new Backoff(RETRY, () => 0)
    const of: SessionEntries = { session, entries: new Map(), isDown: !session.client.up, timer: undefined, backoff }
    this.#sessions.set(session, of)
    return of
  }

  #add(of: SessionEntries, queue: SubscribedQueue, state: Entry["state"]): void {
    const entry: Entry = { queue, state }
    of.entries.set(idKey(queue.recipientId), entry)
    this.#byQueue.set(queueKey(queue), entry)
  }

  async #subscribe(of: SessionEntries, entries: readonly Entry[]): Promise<(AgentError | undefined)[]> {
    const errors: (AgentError | undefined)[] = []
    for (let at = 0; at < entries.length; at += BATCH) {
      const some = entries.slice(at, at + BATCH)
      const outcomes = await of.session.client.subscribeMany(some.map(({ queue }) => queue))
      errors.push(...outcomes.map((outcome, n) => this.#outcome(of, some[n] as Entry, outcome)))
    }
    if (entries.some(({ state }) => state === "active")) of.isDown = false
    return errors
  }

  #outcome(of: SessionEntries, entry: Entry, outcome: Outcome<unknown>): AgentError | undefined {
    if (outcome.ok) {
      entry.state = "active"
      return undefined
    }
    const error = asAgentError(networkError(outcome.error, of.session))
    this.#refused(of, entry, error)
    return error
  }

  /** A failure for now is tried again later, one for good ends the subscription. */
  #refused(of: SessionEntries, entry: Entry, error: AgentError): void {
    // The user asked for something else meanwhile.
    if (this.#byQueue.get(queueKey(entry.queue)) !== entry) return
    entry.state = "pending"
    if (isTemporary(error.problem)) {
      this.#schedule(of)
      return
    }
    this.remove(entry.queue)
    this.#events.failed(entry.queue, error)
  }

  #schedule(of: SessionEntries): void {
    if (of.timer !== undefined) return
    of.timer = this.#clock.setTimeout(() => this.#retry(of), of.backoff.next(), { background: true })
  }

  #retry(of: SessionEntries): void {
    of.timer?.cancel()
    of.timer = undefined
    const pending = [...of.entries.values()].filter(({ state }) => state === "pending")
    if (pending.length === 0) return
    this.#subscribe(of, pending).then(
      () => {
        const now = pending.filter(({ state }) => state === "active")
        if (now.length === pending.length) of.backoff.reset()
        this.#report(of, now, "up")
      },
      // What can be thrown here is a session that was closed meanwhile.
      () => undefined,
    )
  }

  #down(of: SessionEntries): void {
    const lost = [...of.entries.values()].filter(({ state }) => state === "active")
    for (const entry of lost) entry.state = "pending"
    const first = !of.isDown
    of.isDown = true
    if (first && lost.length > 0) this.#report(of, lost, "down")
  }

  /** The client has made its subscriptions again; those that failed were reported before, one by one. */
  #up(of: SessionEntries): void {
    of.isDown = false
    const failed = of.timer !== undefined
    const back = [...of.entries.values()].filter(({ state }) => state === "pending")
    // With failures among them, the retry that is due tells which: a repeated SUB does no harm.
    if (failed) return
    for (const entry of back) entry.state = "active"
    this.#report(of, back, "up")
  }

  #late(of: SessionEntries, recipientId: Uint8Array): void {
    const entry = of.entries.get(idKey(recipientId))
    if (entry?.state !== "pending") return
    entry.state = "active"
    of.isDown = false
    this.#report(of, [entry], "up")
  }

  #gone(of: SessionEntries, recipientId: Uint8Array, tell: (queue: SubscribedQueue) => void): void {
    const entry = of.entries.get(idKey(recipientId))
    if (entry === undefined) return
    this.remove(entry.queue)
    tell(entry.queue)
  }

  #report({ session }: SessionEntries, entries: readonly Entry[], what: "up" | "down"): void {
    if (entries.length === 0) return
    const connections = new Map(entries.map(({ queue }) => [idKey(queue.connectionId), queue.connectionId]))
    this.#events[what](session.server, [...connections.values()])
  }
}

function queueKey({ server, recipientId }: Pick<SubscribedQueue, "server" | "recipientId">): string {
  return `${server.hosts.join(",")}:${server.port}/${idKey(recipientId)}`
}

function isSubscribed(tag: string): boolean {
  return tag === "OK" || tag === "SOK" || tag === "MSG"
}
