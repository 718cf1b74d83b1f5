import type { CryptoBackend } from "@sluice/crypto/backend"
import { decodeMessageList, type MessageEntry } from "@sluice/ntf-protocol/message-list"
import { openPush } from "@sluice/ntf-protocol/push-content"

/** What a device finds in a message push: which queues have something, oldest first. */
export function readPush(
  crypto: CryptoBackend,
  secret: Uint8Array,
  push: { readonly nonce: Uint8Array; readonly ciphertext: Uint8Array },
): readonly MessageEntry[] {
  const list = openPush({ crypto, secret }, push)
  return list === undefined ? [] : decodeMessageList(list)
}
