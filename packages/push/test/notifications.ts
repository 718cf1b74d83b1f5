import { nativeCrypto } from "@sluice/crypto/native"
import type { PushNotification, SealedContent } from "../src/provider.ts"

/** Contents of random bytes, as long as is asked for, kept in the order of their making. */
export function randomContent(made: SealedContent[] = []): (paddedLength: number) => SealedContent {
  return (paddedLength) => {
    const content = { nonce: nativeCrypto.randomBytes(24), ciphertext: nativeCrypto.randomBytes(paddedLength + 16) }
    made.push(content)
    return content
  }
}

/** One notification of each kind. */
export function notificationsOfAllKinds(): readonly PushNotification[] {
  const seal = randomContent()
  return [{ kind: "verification", seal }, { kind: "message", seal }, { kind: "check-messages" }]
}
