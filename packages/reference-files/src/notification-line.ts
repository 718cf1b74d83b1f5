import type { NewNotification } from "@sluice/queue-store/records"
import { formatBase64 } from "./base64.ts"
import { parseLine } from "./line-reader.ts"

/** A line of the notification file. */
export interface LoggedNotification {
  readonly notifierId: Uint8Array
  /** The message that it is about; also inside the encrypted metadata. */
  readonly messageId: Uint8Array
  readonly notification: NewNotification
}

/** `v1 <notifierId> <msgId> <seconds> <nonce> <encrypted metadata>`, without a line feed. */
export function formatNotificationLine({ notifierId, messageId, notification }: LoggedNotification): string {
  const { timestamp, nonce, encryptedMetadata } = notification
  const start = `v1 ${formatBase64(notifierId)} ${formatBase64(messageId)} ${timestamp}`
  return `${start} ${formatBase64(nonce)} ${formatBase64(encryptedMetadata)}`
}

/** Reads {@link formatNotificationLine}. Throws `DecodeError`. */
export function parseNotificationLine(line: string): LoggedNotification {
  return parseLine(line, (r) => {
    r.literal("v1", "version")
    const notifierId = r.nextBytes("notifier id")
    const messageId = r.nextBytes("message id")
    r.space("time")
    const timestamp = r.seconds("time")
    const nonce = r.nextBytes("nonce")
    return { notifierId, messageId, notification: { timestamp, nonce, encryptedMetadata: r.nextBytes("metadata") } }
  })
}
