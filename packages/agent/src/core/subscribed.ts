import type { SubscribedQueue } from "../network/subscriptions.ts"
import type { ConnectionRecord, ReceiveQueueRecord } from "../store/records.ts"

/** A queue as subscriptions know it. */
export function subscribed(
  { id, userId }: Pick<ConnectionRecord, "id" | "userId">,
  { server, recipientId, recipientKey }: Pick<ReceiveQueueRecord, "server" | "recipientId" | "recipientKey">,
): SubscribedQueue {
  const { hosts, port, keyHash } = server
  return { userId, connectionId: id, server: { hosts, port, keyHash }, recipientId, recipientKey }
}
