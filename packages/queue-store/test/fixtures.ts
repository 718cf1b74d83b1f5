import { fromHex } from "@sluice/encoding/bytes"
import type { EnqueueOptions, Outcome } from "../src/queue-store.ts"
import type { LinkData, NewMessage, Notifier, QueueRecord, ServiceRecord } from "../src/records.ts"

/** Plain values for tests. Everything is a function of small numbers: the same number gives the same bytes. */

const DAY = 86_400
export const TODAY: number = 20_000 * DAY

/** A 24-byte ID; different kinds never give the same. */
export function id(kind: string, n: number): Uint8Array {
  const bytes = new Uint8Array(24)
  bytes.set(new TextEncoder().encode(`${kind}:${n}`))
  bytes[23] = (n * 37) & 0xff
  return bytes
}

export const rid = (n: number): Uint8Array => id("recipient", n)
export const sid = (n: number): Uint8Array => id("sender", n)
export const nid = (n: number): Uint8Array => id("notifier", n)
export const lid = (n: number): Uint8Array => id("link", n)
export const mid = (n: number): Uint8Array => id("message", n)
export const serviceId = (n: number): Uint8Array => id("service", n)

/** 32 bytes. */
export function secret(n: number): Uint8Array {
  return new Uint8Array(32).map((_, i) => n * 7 + i)
}

/** An Ed25519 key, or an Ed448 key for negative numbers; SPKI DER. */
export function key(n: number): Uint8Array {
  const prefix = fromHex(n < 0 ? "3043300506032b6571033a00" : "302a300506032b6570032100")
  const der = new Uint8Array(prefix.length + (n < 0 ? 57 : 32)).fill(n)
  der.set(prefix)
  return der
}

/** A messaging queue that nothing happened to yet. */
export function queue(n: number, changes: Partial<QueueRecord> = {}): QueueRecord {
  return {
    recipientId: rid(n),
    senderId: sid(n),
    recipientKeys: [key(n)],
    rcvDhSecret: secret(n),
    queueMode: "messaging",
    status: { tag: "active" },
    createdAt: TODAY,
    updatedAt: TODAY,
    ...changes,
  }
}

export function contactQueue(n: number, changes: Partial<QueueRecord> = {}): QueueRecord {
  return queue(n, { queueMode: "contact", ...changes })
}

/** A queue as clients below version 9 made it. */
export function queueWithoutMode(n: number, changes: Partial<QueueRecord> = {}): QueueRecord {
  const { queueMode: _, ...rest } = queue(n, changes)
  return rest
}

export function notifier(n: number, changes: Partial<Notifier> = {}): Notifier {
  return { notifierId: nid(n), key: key(100 + n), dhSecret: secret(100 + n), ...changes }
}

export function link(fixed: number, user: number): LinkData {
  return { fixedData: new Uint8Array(40).fill(fixed), userData: new Uint8Array(300).fill(user) }
}

export function message(n: number, changes: Partial<NewMessage> = {}): NewMessage {
  return {
    kind: "message",
    id: mid(n),
    timestamp: 1000 + n,
    notify: false,
    body: new Uint8Array(50 + (n % 1000)).fill(n),
    ...changes,
  }
}

export function service(n: number, changes: Partial<ServiceRecord> = {}): ServiceRecord {
  return {
    serviceId: serviceId(n),
    role: "M",
    fingerprint: secret(200 + n),
    certificates: [new Uint8Array(300).fill(n), new Uint8Array(200).fill(n + 1)],
    createdAt: 1_700_000_000,
    ...changes,
  }
}

/** A notification for `enqueue`. */
export function notification(n: number): NonNullable<EnqueueOptions["notification"]> {
  return { notifierId: nid(n), nonce: id("nonce", n), encryptedMetadata: new Uint8Array(144).fill(n) }
}

export const QUOTA: EnqueueOptions = { quota: 4 }

/** The content of an outcome that must be a success. */
export function accepted<T>(outcome: Outcome<T> | undefined): T {
  if (outcome?.ok !== true) throw new Error(`refused: ${outcome?.refusal}`)
  return outcome
}
