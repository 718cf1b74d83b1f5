import type { Server } from "@sluice/encoding/server-address"
import type { AgentBase } from "../core/base.ts"
import type { Connections } from "../core/connections.ts"
import { asAgentError } from "../network/network-error.ts"
import type { SessionPool } from "../network/session-pool.ts"
import type { Subscriptions } from "../network/subscriptions.ts"
import type { ConnectionId, ConnectionRecord } from "../store/records.ts"
import { type NtfSessionOptions, NtfSessions } from "./ntf-sessions.ts"
import type { SubscriptionRecord } from "./records.ts"
import type { RowWorkers } from "./row-workers.ts"
import { SubscriptionRows } from "./subscription-rows.ts"
import { subscriptionWorkers } from "./subscription-workers.ts"
import { notifiedQueue, Supervisor } from "./supervisor.ts"
import { TokenDeletions } from "./token-deletions.ts"
import { Tokens } from "./tokens.ts"

/** Settings of push notifications. */
export interface NotificationOptions extends NtfSessionOptions {
  /** Notification servers; a registration is made with one of them, chosen at random, and stays there. */
  readonly servers?: readonly Server[] | undefined
}

/** What {@link NotificationCore} needs. */
export interface NotificationParts
  extends Pick<AgentBase, "store" | "crypto" | "clock" | "dial" | "random" | "events"> {
  readonly pool: SessionPool
  readonly subscriptions: Subscriptions
  readonly connections: Connections
}

/** The parts that make notifications, and what the rest of the agent tells them. */
export class NotificationCore {
  readonly sessions: NtfSessions
  readonly rows: SubscriptionRows
  readonly tokens: Tokens
  readonly supervisor: Supervisor
  readonly #parts: NotificationParts
  readonly #deletions: TokenDeletions
  readonly #workers: RowWorkers<SubscriptionRecord>
  readonly #working = new Set<Promise<void>>()
  /** For new registrations. */
  servers: readonly Server[]

  constructor(parts: NotificationParts, { servers = [], ...sessions }: NotificationOptions = {}) {
    this.#parts = parts
    this.servers = servers
    this.sessions = new NtfSessions(parts, sessions)
    this.rows = new SubscriptionRows(parts.store)
    this.#deletions = new TokenDeletions({ ...parts, sessions: this.sessions })
    this.tokens = new Tokens({
      ...parts,
      sessions: this.sessions,
      servers: () => this.servers,
      changes: {
        wanted: () => this.#watched(this.#wantAll()),
        unwanted: () => this.#watched(this.#unwantAll()),
        deleted: (deletion) => this.#deletions.add(deletion),
      },
    })
    const work = { ...parts, sessions: this.sessions, rows: this.rows, tokens: this.tokens }
    this.#workers = subscriptionWorkers(work)
    this.supervisor = new Supervisor({ ...work, wake: (row) => this.#workers.wake(row) })
  }

  /** New queues are made with a notifier. */
  get wanted(): boolean {
    return this.tokens.instant !== undefined
  }

  /** Goes on with what is stored. */
  async load(): Promise<void> {
    await this.tokens.load()
    await this.rows.load()
    await this.#deletions.load()
    this.#workers.wakeAll()
  }

  /** These connections are received from, or will be as soon as their relays are there. */
  subscribed(records: readonly Pick<ConnectionRecord, "id" | "notifications">[]): void {
    if (!this.wanted) return
    const ids = (on: boolean): ConnectionId[] =>
      records.filter(({ notifications }) => (notifications !== false) === on).map(({ id }) => id)
    this.supervisor.add("create", ids(true))
    this.supervisor.add("delete", ids(false))
  }

  /** A connection has changed: its queue is a new one, or it is gone. */
  changed(before: ConnectionRecord, after: ConnectionRecord): void {
    if (after.deleted !== undefined) {
      if (before.deleted === undefined) this.supervisor.add("forget", [after.id])
      return
    }
    const [old, now] = [notifiedQueue(before), notifiedQueue(after)]
    if (now === undefined || old?.key === now.key || !this.wanted) return
    if (after.notifications !== false) this.supervisor.add("create", [after.id])
  }

  retryNow(): void {
    this.#workers.retryNow()
    this.#deletions.workers.retryNow()
  }

  /** Begins nothing more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    const workers = [this.#workers.stop(), this.#deletions.workers.stop()]
    await Promise.all([...this.#working, ...workers])
    await this.supervisor.idle()
  }

  /** Goes on after {@link stop}. */
  resume(): void {
    this.#workers.resume()
    this.#deletions.workers.resume()
  }

  /** Closes the connections to notification servers; they are made again when needed. */
  disconnect(): Promise<void> {
    return this.sessions.disconnect()
  }

  /** Everything that is received from. */
  async #wantAll(): Promise<void> {
    const { store, subscriptions } = this.#parts
    const records = await store.list("connections")
    const received = records.filter((record) => {
      const queue = notifiedQueue(record)
      return queue !== undefined && record.notifications !== false && subscriptions.has(queue)
    })
    this.supervisor.add(
      "create",
      received.map(({ id }) => id),
    )
  }

  async #unwantAll(): Promise<void> {
    this.supervisor.clear()
    const records = await this.#parts.store.list("connections")
    this.supervisor.add(
      "delete",
      records.map(({ id }) => id),
    )
  }

  #watched(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => this.#parts.events.emit({ type: "error", error: asAgentError(error) }))
      .finally(() => this.#working.delete(done))
    this.#working.add(done)
  }
}
