import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Kem } from "@sluice/crypto/kem"
import type { VersionRange } from "@sluice/encoding/version"
import { AgentError, type PeerError } from "../errors.ts"
import type { AgentEvent } from "../events.ts"
import type { AgentStore } from "../store/agent-store.ts"
import type { ConnectionRecord, ReceiveQueueRecord, SendQueueRecord } from "../store/records.ts"
import type { StoreChange } from "../store/tables.ts"

/** All that the state machine of a connection takes from outside. */
export interface Env {
  readonly crypto: CryptoBackend
  readonly kem: Kem
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly versions: Versions
  readonly limits: RequestLimits
  /** Reads only: changes are collected, and made together. */
  readonly store: Pick<AgentStore, "get" | "list">
}

/** What is kept of those who ask contact addresses for connections; anybody with the link can. */
export interface RequestLimits {
  /** Requests of one address. Each takes some 2 to 16 KB of the store. */
  readonly requests: number
  /** How long one waits for the user, ms. */
  readonly requestLife: number
}

/** 1000 requests, 30 days. */
export const REQUEST_LIMITS: RequestLimits = { requests: 1000, requestLife: 30 * 86_400_000 }

/** What this agent speaks. */
export interface Versions {
  readonly agent: VersionRange
  readonly client: VersionRange
  readonly e2e: VersionRange
}

/**
 * A connection while one event changes it. The functions of this folder turn a draft and an event into the connection's
 * next state, changes of the store and events for the user; they do no input or output, so that everything that they say
 * is committed at once, or never happened.
 */
export class Draft {
  readonly env: Env
  readonly changes: StoreChange[] = []
  readonly events: AgentEvent[] = []
  #record: ConnectionRecord

  constructor(env: Env, record: ConnectionRecord) {
    this.env = env
    this.#record = record
  }

  /** The connection as it is now, with all that was changed so far. */
  get record(): ConnectionRecord {
    return this.#record
  }

  get id(): Uint8Array {
    return this.#record.id
  }

  /** Changes the connection. */
  set(patch: Partial<ConnectionRecord>): void {
    this.#record = { ...this.#record, ...patch }
  }

  /** Changes other rows, together with the connection. */
  change(...changes: readonly StoreChange[]): void {
    this.changes.push(...changes)
  }

  /** Tells the user, once everything is stored. */
  emit(event: AgentEvent): void {
    this.events.push(event)
  }

  /** Tells the user that the peer's agent did something wrong. */
  complain(error: PeerError): void {
    this.emit({ type: "error", connectionId: this.id, error: new AgentError({ code: "AGENT", error }) })
  }

  receiveQueue(key: number): ReceiveQueueRecord | undefined {
    return this.#record.receiveQueues.find((queue) => queue.key === key)
  }

  sendQueue(key: number): SendQueueRecord | undefined {
    return this.#record.sendQueues.find((queue) => queue.key === key)
  }

  setReceiveQueue(key: number, patch: Partial<ReceiveQueueRecord>): void {
    const change = (queue: ReceiveQueueRecord): ReceiveQueueRecord =>
      queue.key === key ? { ...queue, ...patch } : queue
    this.set({ receiveQueues: this.#record.receiveQueues.map(change) })
  }

  setSendQueue(key: number, patch: Partial<SendQueueRecord>): void {
    const change = (queue: SendQueueRecord): SendQueueRecord => (queue.key === key ? { ...queue, ...patch } : queue)
    this.set({ sendQueues: this.#record.sendQueues.map(change) })
  }

  /** A number for a new queue. */
  takeQueueKey(): number {
    const key = this.#record.nextQueue
    this.set({ nextQueue: key + 1 })
    return key
  }

  /** The state with all changes of the store that belong to it. */
  commit(): StoreChange[] {
    return [{ table: "connections", put: this.#record }, ...this.changes]
  }
}

/** The queue that messages go to first. */
export function primarySendQueue({ sendQueues }: ConnectionRecord): SendQueueRecord | undefined {
  return sendQueues.find(({ primary }) => primary) ?? sendQueues[0]
}

/** The queue that the peer sends to first. */
export function primaryReceiveQueue({ receiveQueues }: ConnectionRecord): ReceiveQueueRecord | undefined {
  return receiveQueues.find(({ primary }) => primary) ?? receiveQueues[0]
}
