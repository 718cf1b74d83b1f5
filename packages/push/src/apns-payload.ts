import { base64UrlText } from "./base64url-text.ts"
import type { PushKind, SealedContent } from "./provider.ts"

/** Largest payload that Apple documents for ordinary notifications, in bytes. */
export const APNS_LIMIT = 4096

/** What goes to a device: JSON, and the headers that go with its kind. */
export interface ApnsPayload {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const BACKGROUND = { "apns-push-type": "background", "apns-priority": "5" }
const ALERT = { "apns-push-type": "alert" }

/**
 * The three payloads that the iOS app knows, text for text (notifications.md §6.2). Of a padded length n the body has
 * 4·⌈(n + 16)/3⌉ bytes and 113 (verification) or 190 (message) more. `content` is absent for `check-messages` only.
 */
export function apnsPayload(kind: PushKind, content: SealedContent | undefined): ApnsPayload {
  const nonce = content === undefined ? "" : base64UrlText(content.nonce)
  const sealed = content === undefined ? "" : base64UrlText(content.ciphertext)
  switch (kind) {
    case "verification":
      return background({ nonce, verification: sealed })
    case "check-messages":
      return background({ checkMessages: true })
    case "message":
      return {
        headers: ALERT,
        body: JSON.stringify({
          aps: {
            "mutable-content": 1,
            alert: "Encrypted message or another app event",
            category: "NTF_CAT_CHECK_MESSAGE",
          },
          notificationData: { nonce, message: sealed },
        }),
      }
  }
}

function background(notificationData: object): ApnsPayload {
  return { headers: BACKGROUND, body: JSON.stringify({ aps: { "content-available": 1 }, notificationData }) }
}
