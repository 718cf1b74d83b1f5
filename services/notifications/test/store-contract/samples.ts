import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { NtfStore, TokenRecord } from "../../src/store/ntf-store.ts"

export const LIMITS: { readonly subscriptions: number; readonly relays: number } = { subscriptions: 100, relays: 5 }
/** Seconds since the epoch. */
export const NOW = 1_700_000_000

/** A relay by the name of its host. */
export function relayAt(host: string): Server {
  return { hosts: [host, `${host}.onion`], port: "5223", keyHash: c.sha256(utf8(host)) }
}

/** A registration that was just made. */
export function newToken(options: Partial<TokenRecord> = {}): TokenRecord {
  return {
    tokenId: c.randomBytes(24),
    device: { provider: "AT", token: utf8("abcd") },
    status: { type: "REGISTERED" },
    verifyKey: c.generateKeyPair("ed25519").publicKey,
    dhKey: c.generateKeyPair("x25519").privateKey,
    secret: c.randomBytes(32),
    code: c.randomBytes(32),
    cronMinutes: 0,
    cronSentAt: 0,
    seenDay: 19_000,
    ...options,
  }
}

/** What a device asks for, with a queue of its own. */
export function newSubscription(tokenId: Uint8Array, server: Server): Parameters<NtfStore["createSubscription"]>[0] {
  return {
    subscriptionId: c.randomBytes(24),
    tokenId,
    server,
    notifierId: c.randomBytes(24),
    notifierKey: c.generateKeyPair("ed25519").privateKey,
  }
}

/** What a relay says of a message; all bytes are this number. */
export function contentOf(i: number): { readonly nonce: Uint8Array; readonly meta: Uint8Array } {
  return { nonce: new Uint8Array(24).fill(i), meta: new Uint8Array(144).fill(i) }
}

/** The same with its queue. */
export function notification(notifierId: Uint8Array, i = 0): Parameters<NtfStore["recordNotifications"]>[1][number] {
  return { notifierId, ...contentOf(i) }
}
