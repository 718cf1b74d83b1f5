import { encodePublicKey, publicKey } from "@sluice/crypto/keys"
import type { LoggedQueue } from "../src/store-log-record.ts"

/** 24 bytes that say what they are of. */
export function idOf(
  kind: "recipient" | "sender" | "notifier" | "link" | "service" | "message",
  n: number,
): Uint8Array {
  const id = new Uint8Array(24)
  id.set(new TextEncoder().encode(kind))
  new DataView(id.buffer).setUint32(20, n)
  return id
}

/** DER of an Ed25519 key. */
export function keyOf(n: number): Uint8Array {
  const raw = new Uint8Array(32)
  new DataView(raw.buffer).setUint32(0, n)
  return encodePublicKey(publicKey("ed25519", raw))
}

/** A new queue with nothing optional. */
export function queueOf(n: number): LoggedQueue {
  return {
    recipientId: idOf("recipient", n),
    senderId: idOf("sender", n),
    recipientKeys: [keyOf(n)],
    rcvDhSecret: new Uint8Array(32).fill(n),
    status: { tag: "active" },
  }
}
