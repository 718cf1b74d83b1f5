import { utf8 } from "@sluice/encoding/bytes"
import { base64UrlText } from "./base64url-text.ts"
import type { PushKind, SealedContent } from "./provider.ts"

/** Length that contents are padded to: the text then has at most 3926 bytes of the 3993 that fit. */
export const WEB_PUSH_PADDED = 2880

/** A push before it is encrypted, and the headers that go with its kind. */
export interface WebPushPayload {
  readonly headers: Readonly<Record<string, string>>
  readonly text: Uint8Array
}

/** How long a service keeps a push (seconds) and how urgent it is (RFC 8030 §5.2, §5.3), by kind. */
const HEADERS = {
  verification: { ttl: "3600", urgency: "high" },
  message: { ttl: "2419200", urgency: "high" },
  // A later one makes an earlier one needless (§5.4).
  "check-messages": { ttl: "0", urgency: "normal", topic: "check" },
} as const satisfies Record<PushKind, object>

/** The same JSON that iOS gets as `notificationData` (notifications.md §4). `content` is absent for `check-messages` only. */
export function webPushPayload(kind: PushKind, content: SealedContent | undefined): WebPushPayload {
  const data =
    kind === "check-messages" || content === undefined
      ? { checkMessages: true }
      : { nonce: base64UrlText(content.nonce), [kind]: base64UrlText(content.ciphertext) }
  return { headers: HEADERS[kind], text: utf8(JSON.stringify(data)) }
}
