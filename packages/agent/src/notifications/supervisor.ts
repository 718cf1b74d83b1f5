import { equalBytes, idKey } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { AgentBase } from "../core/base.ts"
import { asAgentError } from "../network/network-error.ts"
import { serverKey } from "../network/session-key.ts"
import type { ConnectionId, ConnectionRecord, ReceiveQueueRecord } from "../store/records.ts"
import type { SubscriptionRecord } from "./records.ts"
import { fromTheStart, type SubscriptionRows } from "./subscription-rows.ts"
import type { Tokens } from "./tokens.ts"

/** What is wanted of a connection's notifications. */
export type Wish =
  | "create"
  | "delete"
  /** The connection is gone, and its queue with it. */
  | "forget"

/** What {@link Supervisor} needs. */
export interface SupervisorParts extends Pick<AgentBase, "store" | "clock" | "events"> {
  readonly rows: SubscriptionRows
  readonly tokens: Tokens
  /** Lets the worker of a row look at it. */
  readonly wake: (row: SubscriptionRecord) => void
}

/** Decides, one connection after the other, what is to be done about its notifications (notifications-client.md §4.2). */
export class Supervisor {
  readonly #parts: SupervisorParts
  /** By connection: a later wish replaces one that nobody has looked at. */
  readonly #wishes = new Map<string, { readonly wish: Wish; readonly connectionId: ConnectionId }>()
  #running: Promise<void> | undefined

  constructor(parts: SupervisorParts) {
    this.#parts = parts
  }

  add(wish: Wish, connectionIds: readonly ConnectionId[]): void {
    for (const connectionId of connectionIds) {
      const key = idKey(connectionId)
      // The latest wish goes to the end: all of them are taken in the order in which they were made.
      this.#wishes.delete(key)
      this.#wishes.set(key, { wish, connectionId })
    }
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Nothing that was wished before counts any more. What is gone stays gone. */
  clear(): void {
    for (const [key, { wish }] of this.#wishes) if (wish !== "forget") this.#wishes.delete(key)
  }

  /** Resolves when nothing waits to be decided. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // What is added in this turn comes along.
    await Promise.resolve()
    for (;;) {
      const [next] = this.#wishes
      if (next === undefined) return
      const [key, { wish, connectionId }] = next
      this.#wishes.delete(key)
      try {
        await this.#decide(wish, connectionId)
      } catch (error) {
        this.#parts.events.emit({ type: "error", connectionId, error: asAgentError(error) })
      }
    }
  }

  async #decide(wish: Wish, connectionId: ConnectionId): Promise<void> {
    const { store, rows } = this.#parts
    if (wish === "forget") return await rows.remove(connectionId)
    const record = await store.get("connections", [connectionId])
    const queue = record && notifiedQueue(record)
    if (queue === undefined) return
    if (wish === "delete") await this.#delete(connectionId, queue)
    else if (record?.notifications !== false) await this.#create(connectionId, queue)
  }

  async #create(connectionId: ConnectionId, queue: ReceiveQueueRecord): Promise<void> {
    const { rows, tokens, wake, clock } = this.#parts
    const token = tokens.instant
    if (token === undefined) return
    const row = rows.get(connectionId)
    if (row !== undefined && goesOn(row, queue) && sameRegistration(row, token)) return wake(row)
    const start = { connectionId, relay: queue.server, ntfServer: token.server }
    const now = clock.now()
    // The relay made the notifier together with the queue: only the notification server is still to be told.
    const made: SubscriptionRecord | undefined = row === undefined ? withNotifier(start, queue, now) : undefined
    await this.#put(made ?? { ...fromTheStart(start, now), changed: row !== undefined })
  }

  async #delete(connectionId: ConnectionId, queue: ReceiveQueueRecord): Promise<void> {
    const { rows, clock } = this.#parts
    const row = rows.get(connectionId)
    const action = { type: "delete", at: clock.now() } as const
    if (row !== undefined) return await this.#put({ ...row, action, changed: true })
    if (queue.notifier === undefined) return
    const { server, notifier } = queue
    const state = { type: "KEY" } as const
    await this.#put({ ...{ connectionId, relay: server, ntfServer: server, state, action }, ...notifierId(notifier) })
  }

  async #put(row: SubscriptionRecord): Promise<void> {
    await this.#parts.rows.put(row)
    this.#parts.wake(row)
  }
}

/** The queue whose messages are notified: the one that peers send to first. */
export function notifiedQueue({ receiveQueues, deleted }: ConnectionRecord): ReceiveQueueRecord | undefined {
  if (deleted !== undefined) return undefined
  const queues = receiveQueues.filter(({ deleting }) => deleting === undefined)
  return queues.find(({ primary }) => primary) ?? queues[0]
}

/** Whether what is under way leads to notifications of this queue. */
function goesOn(
  { action, notifierId: id, relay }: SubscriptionRecord,
  { notifier, server }: ReceiveQueueRecord,
): boolean {
  if (action === undefined || action.type === "delete" || serverKey(relay) !== serverKey(server)) return false
  if (id === undefined || notifier === undefined) return id === notifier
  return equalBytes(id, notifier.notifierId)
}

/** Subscriptions of another registration are of no use to this one. */
function sameRegistration(row: SubscriptionRecord, token: { tokenId: Uint8Array; server: Server }): boolean {
  if (serverKey(row.ntfServer) !== serverKey(token.server)) return false
  return row.tokenId === undefined || equalBytes(row.tokenId, token.tokenId)
}

function withNotifier(
  start: Pick<SubscriptionRecord, "connectionId" | "relay" | "ntfServer">,
  { notifier }: ReceiveQueueRecord,
  at: number,
): SubscriptionRecord | undefined {
  if (notifier === undefined) return undefined
  return { ...start, ...notifierId(notifier), state: { type: "KEY" }, action: { type: "create", at } }
}

function notifierId({ notifierId: id }: { readonly notifierId: Uint8Array }): Pick<SubscriptionRecord, "notifierId"> {
  return { notifierId: id }
}
