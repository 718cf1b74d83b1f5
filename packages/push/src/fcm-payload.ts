import { base64UrlText } from "./base64url-text.ts"
import type { PushKind, SealedContent } from "./provider.ts"

/** Length that contents are padded to for FCM: names and values of the data then have 4017 bytes of the allowed 4096. */
export const FCM_PADDED = 2960

/** How the phone is to take a push, by kind: how urgently, and for how long the service keeps it. */
const ANDROID = {
  verification: { priority: "HIGH", ttl: "3600s" },
  message: { priority: "HIGH", ttl: "2419200s" },
  "check-messages": { priority: "NORMAL", ttl: "0s", collapse_key: "check" },
} as const satisfies Record<PushKind, object>

/**
 * Body of a request to `messages:send` (notifications.md §8): data alone, so that the app's own code decrypts and shows it.
 * `content` is absent for `check-messages` only.
 */
export function fcmPayload(token: string, kind: PushKind, content: SealedContent | undefined): string {
  return JSON.stringify({ message: { token, android: ANDROID[kind], data: pushData(kind, content) } })
}

/** The fields that a device gets, all texts. */
export function pushData(kind: PushKind, content: SealedContent | undefined): Readonly<Record<string, string>> {
  if (kind === "check-messages" || content === undefined) return { checkMessages: "true" }
  return { nonce: base64UrlText(content.nonce), [kind]: base64UrlText(content.ciphertext) }
}
