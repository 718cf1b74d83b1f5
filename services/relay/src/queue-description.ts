import type { QueueRecord } from "@sluice/queue-store/records"
import type { BlockingInfo } from "@sluice/smp-protocol/errors"
import type { RelayContext } from "./context.ts"

/** What an operator sees of a queue. Nothing in it tells who uses it, or which other queue it is. */
export interface QueueDescription {
  readonly status: "active" | "suspended" | "blocked"
  /** Why it is blocked, and whether its recipient had suspended it before. */
  readonly block?: BlockingInfo & { readonly suspended: boolean }
  readonly mode: "messaging" | "contact" | "unknown"
  /** Whether it takes messages only of one sender. */
  readonly secured: boolean
  /** UTC days. */
  readonly created?: string
  readonly lastUse: string
  /** Stored messages, a quota marker included, and the bytes of their bodies. */
  readonly messages: number
  readonly bytes: number
  /** Bytes of the data behind its link. */
  readonly linkBytes?: number
  readonly notifier: boolean
  /** Whether it belongs to a service, for its messages or for its notifications. */
  readonly service: { readonly messages: boolean; readonly notifications: boolean }
  /** Whether somebody receives from it now. */
  readonly subscribed: boolean
}

/** Looks at everything that belongs to a queue. Reads its messages, 2 MB at the usual quota. */
export async function describeQueue(relay: RelayContext, queue: QueueRecord): Promise<QueueDescription> {
  const { recipientId, status, rcvServiceId, notifier } = queue
  const [messages, link] = await Promise.all([relay.store.messages(recipientId), relay.store.linkData(recipientId)])
  const subscribed =
    rcvServiceId === undefined
      ? relay.delivery.subscriber(recipientId) !== undefined
      : relay.services.client("messages", rcvServiceId) !== undefined
  return {
    status: status.tag === "off" ? "suspended" : status.tag,
    ...(status.tag === "blocked" && { block: { ...status.info, suspended: status.suspended === true } }),
    mode: queue.queueMode ?? "unknown",
    secured: queue.senderKey !== undefined,
    ...(queue.createdAt !== undefined && { created: dayOf(queue.createdAt) }),
    lastUse: dayOf(queue.updatedAt),
    messages: messages.length,
    bytes: messages.reduce((sum, message) => sum + (message.kind === "message" ? message.body.length : 0), 0),
    ...(link !== undefined && { linkBytes: link.fixedData.length + link.userData.length }),
    notifier: notifier !== undefined,
    service: { messages: rcvServiceId !== undefined, notifications: notifier?.serviceId !== undefined },
    subscribed,
  }
}

function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}
