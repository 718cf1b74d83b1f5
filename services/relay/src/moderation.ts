import type { Owner } from "@sluice/queue-store/queue-store"
import type { BlockingInfo, QueueRecord, QueueStatus } from "@sluice/queue-store/records"
import type { RelayContext } from "./context.ts"
import type { QueueReference } from "./queue-reference.ts"
import { countDeletion, queueRemoved } from "./queue-removal.ts"

/** What an operator may do. */
export interface ModerationOptions {
  /** Queues blocked per day at the most; 0 is no limit, −1 forbids blocking (relay-operations.md §3). */
  readonly dailyBlocks: number
  /** Queues that were blocked today. */
  readonly blockedToday: () => number
}

export type NoQueue = { readonly result: "no-queue" }

export type BlockResult =
  | { readonly result: "blocked"; readonly previous: QueueStatus }
  /** It was blocked already, and now is for what was given. */
  | { readonly result: "changed"; readonly previous: QueueStatus }
  | { readonly result: "limit"; readonly limit: number }
  | NoQueue

export type UnblockResult =
  | { readonly result: "unblocked"; readonly reason: BlockingInfo; readonly status: "active" | "off" }
  | { readonly result: "not-blocked"; readonly status: "active" | "off" }
  | NoQueue

/**
 * What an operator does with queues (relay-operations.md §7). One action at a time, so that the daily limit holds however
 * many are asked for at once.
 */
export class Moderation {
  readonly #relay: RelayContext
  readonly #options: ModerationOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor(relay: RelayContext, options: ModerationOptions) {
    this.#relay = relay
    this.#options = options
  }

  /** The queue with this sender ID, or else with this link. */
  async find({ id, of }: QueueReference): Promise<QueueRecord | undefined> {
    const { store } = this.#relay
    const bySender = of === "link" ? undefined : await store.queueBySender(id)
    return bySender ?? (of === "sender" ? undefined : store.queueByLink(id))
  }

  /** Blocks a queue and tells its subscriber at once; on one that is blocked already, changes what it is blocked for. */
  block(reference: QueueReference, info: BlockingInfo): Promise<BlockResult> {
    return this.#alone(async () => {
      const { store, statistics } = this.#relay
      const found = await this.find(reference)
      if (found === undefined) return { result: "no-queue" }
      const { dailyBlocks } = this.#options
      if (dailyBlocks < 0 || (found.status.tag !== "blocked" && this.#limitReached())) {
        return { result: "limit", limit: dailyBlocks }
      }
      const outcome = await store.block(found.recipientId, info)
      if (!outcome.ok) return { result: "no-queue" }
      const { queue, previous } = outcome
      if (previous.tag === "blocked") return { result: "changed", previous }
      if (previous.tag === "active") statistics.qBlocked++
      this.#tellBlocked(queue, info, outcome.owner)
      return { result: "blocked", previous }
    })
  }

  /** Takes a block back. Unlike with the reference, a queue that its recipient had suspended is suspended again. */
  unblock(reference: QueueReference): Promise<UnblockResult> {
    return this.#alone(async () => {
      const found = await this.find(reference)
      const outcome = found && (await this.#relay.store.unblock(found.recipientId))
      if (!outcome?.ok) return { result: "no-queue" }
      const status = outcome.queue.status.tag === "active" ? "active" : "off"
      return outcome.previous.tag === "blocked"
        ? { result: "unblocked", reason: outcome.previous.info, status }
        : { result: "not-blocked", status }
    })
  }

  /** Deletes a queue as its recipient could; subscribers hear of it. */
  delete(reference: QueueReference): Promise<{ readonly result: "deleted"; readonly messages: number } | NoQueue> {
    return this.#alone(async () => {
      const found = await this.find(reference)
      const outcome = found && (await this.#relay.store.deleteQueue(found.recipientId))
      if (!outcome?.ok) return { result: "no-queue" }
      countDeletion(this.#relay.statistics, outcome.queue)
      queueRemoved(this.#relay, outcome, undefined)
      return { result: "deleted", messages: outcome.messages }
    })
  }

  #tellBlocked(queue: QueueRecord, info: BlockingInfo, owner: Owner | undefined): void {
    const { delivery, neighbours } = this.#relay
    const here = delivery.blocked(queue, { tag: "ERR", error: { type: "BLOCKED", ...info } })
    if (here) return
    if (queue.rcvServiceId === undefined) neighbours.blocked(queue.recipientId, owner)
    else neighbours.blockedForService(queue.rcvServiceId, queue.recipientId)
  }

  #limitReached(): boolean {
    const { dailyBlocks, blockedToday } = this.#options
    return dailyBlocks > 0 && blockedToday() >= dailyBlocks
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined) // its caller hears of the failure
    return result
  }
}
