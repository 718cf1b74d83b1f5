import { nativeCrypto } from "@sluice/crypto/native"
import { EMPTY, utf8 } from "@sluice/encoding/bytes"
import type { SubscriptionRecord, TokenRecord } from "../src/notifications/records.ts"
import type {
  ConnectionRecord,
  DeliveryRecord,
  InvitationRecord,
  ReceivedRecord,
  SentRecord,
} from "../src/store/records.ts"

/** An ID of 12 bytes that ends in this number. */
export function id(n: number): Uint8Array {
  const bytes = new Uint8Array(12)
  bytes[11] = n
  return bytes
}

export function connection(n: number): ConnectionRecord {
  return {
    id: id(n),
    userId: 1,
    kind: "invitation",
    version: 7,
    pq: true,
    lastInternalId: 0,
    lastSentId: 0,
    lastSentHash: EMPTY,
    lastReceivedId: 0n,
    lastReceivedHash: EMPTY,
    nextQueue: 1,
    receiveQueues: [],
    sendQueues: [],
    skipped: [],
    sync: "ok",
    confirmations: [],
  }
}

export function sent(n: number, sentId: number): SentRecord {
  return {
    connectionId: id(n),
    sentId,
    internalId: sentId,
    kind: "A_MSG",
    hash: Uint8Array.of(sentId),
    notify: true,
    at: 1000,
    pending: [1],
  }
}

export function delivery(n: number, queue: number, sentId: number): DeliveryRecord {
  const wait = { delay: 2000, elapsed: 0 }
  return { connectionId: id(n), queue, sentId, fast: wait, slow: wait, notBefore: 0 }
}

export function received(n: number, internalId: number): ReceivedRecord {
  return {
    connectionId: id(n),
    internalId,
    queue: 1,
    serverId: Uint8Array.of(9),
    serverTime: 5,
    externalId: 7n,
    kind: "A_MSG",
    hash: EMPTY,
    integrity: { type: "SKIPPED", from: 1n, to: 2n },
    pq: false,
    notify: true,
    body: Uint8Array.of(1, 2, 3),
    at: 1,
    attempts: 1,
    acked: false,
  }
}

/** A request to an address, which is forgotten at this time. */
export function request(n: number, expires: number): InvitationRecord {
  return { id: id(expires), userId: 1, contactId: id(n), request: "", info: EMPTY, at: 1000, expires }
}

const server = { hosts: ["ntf.example.org"], port: "443", keyHash: new Uint8Array(32) }

/** A registration that its server has not answered. */
export const registration: TokenRecord = {
  device: { provider: "AT", token: utf8("abcd") },
  server,
  authKeys: nativeCrypto.generateKeyPair("ed25519"),
  dhKeys: nativeCrypto.generateKeyPair("x25519"),
  status: { type: "NEW" },
  action: { type: "register" },
  mode: "instant",
}

export function notified(n: number): SubscriptionRecord {
  const relay = { ...server, hosts: ["smp.example.org"] }
  const action = { type: "create", at: 1000 } as const
  return { connectionId: id(n), relay, ntfServer: server, notifierId: id(n), state: { type: "KEY" }, action }
}
