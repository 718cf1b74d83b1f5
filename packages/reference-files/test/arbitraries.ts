import { encodePublicKey, publicKey } from "@sluice/crypto/keys"
import type {
  BlockingInfo,
  LinkData,
  NewNotification,
  Notifier,
  QueueStatus,
  ServiceRecord,
  StoredMessage,
} from "@sluice/queue-store/records"
import fc from "fast-check"
import type { LoggedQueue, QueueChange, StoreLogRecord } from "../src/store-log-record.ts"

/** Records as the reference's files can hold them and a store can keep them. */

const DAY = 86_400

export const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })

export const id: fc.Arbitrary<Uint8Array> = bytes(24)
const secret = bytes(32)
const someBytes = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength })

/** SPKI DER of a key that authorizes commands. */
export const authKey: fc.Arbitrary<Uint8Array> = fc.oneof(
  bytes(32).map((raw) => encodePublicKey(publicKey("ed25519", raw))),
  bytes(32).map((raw) => encodePublicKey(publicKey("x25519", raw))),
  bytes(57).map((raw) => encodePublicKey(publicKey("ed448", raw))),
)

const authKeys = fc.array(authKey, { minLength: 1, maxLength: 3 })

export const blockingInfo: fc.Arbitrary<BlockingInfo> = fc.record(
  {
    reason: fc.constantFrom("spam" as const, "content" as const),
    notice: fc.record({ ttl: fc.nat() }, { requiredKeys: [] }),
  },
  { requiredKeys: ["reason"] },
)

const status: fc.Arbitrary<QueueStatus> = fc.oneof(
  fc.constant<QueueStatus>({ tag: "active" }),
  fc.constant<QueueStatus>({ tag: "off" }),
  blockingInfo.map((info): QueueStatus => ({ tag: "blocked", info })),
)

export const linkData: fc.Arbitrary<LinkData> = fc.record({ fixedData: someBytes(60), userData: someBytes(60) })

export const notifier: fc.Arbitrary<Notifier> = fc.record(
  { notifierId: id, key: authKey, dhSecret: secret, serviceId: id },
  { requiredKeys: ["notifierId", "key", "dhSecret"] },
)

const day = fc.integer({ min: 1, max: 40_000 }).map((days) => days * DAY)

export const loggedQueue: fc.Arbitrary<LoggedQueue> = fc
  .record(
    {
      recipientId: id,
      senderId: id,
      recipientKeys: authKeys,
      rcvDhSecret: secret,
      senderKey: authKey,
      queueMode: fc.constantFrom("messaging" as const, "contact" as const),
      link: fc.record({ linkId: fc.oneof(id, someBytes(40)), linkData }),
      notifier,
      rcvServiceId: id,
      status,
      updatedAt: day,
    },
    { requiredKeys: ["recipientId", "senderId", "recipientKeys", "rcvDhSecret", "status"] },
  )
  .map(({ link, ...queue }) => ({ ...queue, ...link }))

export const service: fc.Arbitrary<ServiceRecord> = fc.record({
  serviceId: id,
  role: fc.constantFrom("M" as const, "N" as const, "P" as const),
  fingerprint: bytes(32),
  certificates: fc.array(someBytes(50), { minLength: 1, maxLength: 3 }),
  createdAt: fc.nat(),
})

const change: fc.Arbitrary<QueueChange> = fc.oneof(
  fc.record({ tag: fc.constant("LINK" as const), recipientId: id, linkId: id, linkData }),
  fc.record({ tag: fc.constant("SECURE" as const), recipientId: id, senderKey: authKey }),
  fc.record({ tag: fc.constant("KEYS" as const), recipientId: id, recipientKeys: authKeys }),
  fc.record({ tag: fc.constant("NOTIFIER" as const), recipientId: id, notifier }),
  fc.record({ tag: fc.constant("BLOCK" as const), recipientId: id, info: blockingInfo }),
  fc.record({ tag: fc.constant("TIME" as const), recipientId: id, updatedAt: fc.integer() }),
  fc.record(
    {
      tag: fc.constant("QUEUE_SERVICE" as const),
      recipientId: id,
      kind: fc.constantFrom("messages" as const, "notifications" as const),
      serviceId: id,
    },
    { requiredKeys: ["tag", "recipientId", "kind"] },
  ),
  fc.record({
    tag: fc.constantFrom(
      "LDELETE" as const,
      "NDELETE" as const,
      "SUSPEND" as const,
      "UNBLOCK" as const,
      "DELETE" as const,
    ),
    recipientId: id,
  }),
)

export const storeLogRecord: fc.Arbitrary<StoreLogRecord> = fc.oneof(
  service.map((value): StoreLogRecord => ({ tag: "NEW_SERVICE", service: value })),
  loggedQueue.map((queue): StoreLogRecord => ({ tag: "CREATE", recipientId: queue.recipientId, queue })),
  change,
)

export const message: fc.Arbitrary<StoredMessage> = fc.record({
  kind: fc.constant("message" as const),
  id,
  timestamp: fc.nat(),
  notify: fc.boolean(),
  body: someBytes(100),
})

export const quotaMarker: fc.Arbitrary<StoredMessage> = fc.record({
  kind: fc.constant("quota" as const),
  id,
  timestamp: fc.nat(),
})

export const newNotification: fc.Arbitrary<NewNotification> = fc.record({
  timestamp: fc.nat(),
  nonce: id,
  encryptedMetadata: bytes(144),
})

/** A line of one byte a character: noise, or a good line that something happened to. */
export function hostileLine(good: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const noise = fc.uint8Array({ maxLength: 80 }).map((data) => Buffer.from(data).toString("latin1"))
  const at = fc.nat()
  const cut = fc.tuple(good, at).map(([line, n]) => line.slice(0, n % (line.length + 1)))
  const inserted = fc
    .tuple(good, at, fc.oneof(noise, fc.constantFrom(" ", "=", ",", "\n", "\r", "\0", " rsrv=AAAA", ",notice={")))
    .map(([line, n, extra]) => {
      const place = n % (line.length + 1)
      return line.slice(0, place) + extra + line.slice(place)
    })
  const removed = fc.tuple(good, at, fc.nat({ max: 9 })).map(([line, n, length]) => {
    const place = n % (line.length + 1)
    return line.slice(0, place) + line.slice(place + length)
  })
  const joined = fc.tuple(good, good, fc.constantFrom("", " ", "\n")).map(([a, b, between]) => a + between + b)
  return fc.oneof(noise, cut, inserted, removed, joined)
}
