import type { BoxKey } from "@sluice/crypto/backend"
import { equalBytes } from "@sluice/encoding/bytes"
import type { Owner } from "@sluice/queue-store/queue-store"
import type { Client } from "./client.ts"

/**
 * Where the delivery to one subscriber of one queue stands. One message at the most is on its way to the client.
 *
 * - `reading`: the head of the queue is being read, for SUB, after ACK or after a missed push.
 * - `idle`: the queue was empty when it was read last.
 * - `delivered`: a message was sent and is not acknowledged.
 * - `waiting`: a message is there, the client's output has no room for it.
 */
export type DeliveryState = "reading" | "idle" | "delivered" | "waiting"

/** One connection's subscription to one queue. */
export class Subscription {
  readonly client: Client
  readonly recipientId: Uint8Array
  /** Encrypts bodies for the recipient. */
  readonly key: BoxKey
  /** The store's word that this node has the subscription; absent for queues of a service. */
  owner: Owner | undefined
  state: DeliveryState = "reading"
  /**
   * In state `idle`: which filling of the queue was the last when it was seen empty, if the store tells. A message that
   * comes with the next number is the one that the queue has got since.
   */
  emptyAt: number | undefined
  /** ID of the unacknowledged message in state `delivered`. */
  deliveredId: Uint8Array | undefined
  /** Clock time of that delivery, milliseconds. */
  deliveredAt = 0
  /** A message came while the head was being read: read again before believing that the queue is empty. */
  missed = false
  /** SUBs of it that the store has not answered. */
  subscribing = 0
  /** The latest epoch that is known to have ended: while a SUB is under way, its answer is compared with it. */
  endedThrough = 0
  /** Ended: moved to another connection, deleted, or its connection closed. */
  ended = false

  constructor(client: Client, recipientId: Uint8Array, key: BoxKey) {
    this.client = client
    this.recipientId = recipientId
    this.key = key
  }
}

/** The head of the queue is about to be read; what was delivered before counts no more. */
export function startReading(subscription: Subscription): void {
  subscription.state = "reading"
  subscription.deliveredId = undefined
  subscription.missed = false
}

/** The queue was seen empty, at this filling if the store tells. */
export function becomeIdle(subscription: Subscription, filling: number | undefined): void {
  subscription.state = "idle"
  subscription.emptyAt = filling
}

/** Whether an ACK names what was delivered. An empty ID matches any message (smp.md §4.4). */
export function acknowledges(delivered: Uint8Array | undefined, messageId: Uint8Array): boolean {
  if (delivered === undefined) return false
  if (messageId.length === 0) return true
  return equalBytes(delivered, messageId)
}
