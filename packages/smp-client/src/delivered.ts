import type { CryptoBackend } from "@sluice/crypto/backend"
import { type DeliveredContent, decryptDelivered as decrypt } from "@sluice/smp-protocol/delivered-body"
import { decryptNotificationMeta, type NotificationMeta } from "@sluice/smp-protocol/notification-meta"
import type { CreatedNotifier, ReadableQueue, ReceivedMessage } from "./queue-types.ts"

/**
 * What a delivered message says: the sender's body with the server's time, or that the queue was full. `undefined` if it
 * was not encrypted for this queue. The body is in an array of its own.
 */
export function decryptDelivered(
  c: CryptoBackend,
  queue: ReadableQueue,
  message: Pick<ReceivedMessage, "msgId" | "body">,
): DeliveredContent | undefined {
  return decrypt(c, c.boxKey(queue.dhSecret), message.msgId, message.body)
}

/** Which message a notification is about; `undefined` if it was not encrypted for this notifier. */
export function decryptNotification(
  c: CryptoBackend,
  notifier: Pick<CreatedNotifier, "dhSecret">,
  notification: { readonly nonce: Uint8Array; readonly meta: Uint8Array },
): NotificationMeta | undefined {
  return decryptNotificationMeta(c, c.boxKey(notifier.dhSecret), notification.nonce, notification.meta)
}
