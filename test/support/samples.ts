import { nativeCrypto } from "@sluice/crypto/native"
import type { Command } from "@sluice/smp-protocol/commands"
import { UNKNOWN_COUNTERS } from "@sluice/smp-protocol/commands/service"
import type { COMMANDS } from "@sluice/smp-protocol/commands/table"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import { authKeys, newQueue } from "./queue.ts"

const id = (): Uint8Array => nativeCrypto.randomBytes(ID_LENGTH)

/** A well-formed command of every tag, about nothing that exists. */
export function sampleCommands(): { readonly [T in keyof typeof COMMANDS]: Extract<Command, { tag: T }> } {
  const senderKey = authKeys().publicKey
  const dhKey = nativeCrypto.generateKeyPair("x25519").publicKey
  const data = { fixed: id(), user: id() }
  const keyHash = nativeCrypto.randomBytes(32)
  return {
    NEW: newQueue().command,
    SUB: { tag: "SUB" },
    SUBS: { tag: "SUBS", expected: UNKNOWN_COUNTERS },
    KEY: { tag: "KEY", senderKey },
    RKEY: { tag: "RKEY", recipientKeys: [senderKey] },
    LSET: { tag: "LSET", linkId: id(), data },
    LDEL: { tag: "LDEL" },
    NKEY: { tag: "NKEY", notifierKey: senderKey, dhKey },
    NDEL: { tag: "NDEL" },
    GET: { tag: "GET" },
    ACK: { tag: "ACK", msgId: id() },
    OFF: { tag: "OFF" },
    DEL: { tag: "DEL" },
    QUE: { tag: "QUE" },
    SKEY: { tag: "SKEY", senderKey },
    SEND: { tag: "SEND", flags: { notification: false }, body: id() },
    PING: { tag: "PING" },
    LKEY: { tag: "LKEY", senderKey },
    LGET: { tag: "LGET" },
    NSUB: { tag: "NSUB" },
    NSUBS: { tag: "NSUBS", expected: UNKNOWN_COUNTERS },
    PRXY: { tag: "PRXY", server: { hosts: ["localhost"], port: "5223", keyHash } },
    PFWD: { tag: "PFWD", version: 20, key: dhKey, request: id() },
    RFWD: { tag: "RFWD", request: id() },
    RSLV: { tag: "RSLV", name: "nobody.simplex" },
  }
}
