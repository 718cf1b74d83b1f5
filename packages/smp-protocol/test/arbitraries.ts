import type { Algorithm, AuthKey, PublicKey, X25519Key } from "@sluice/crypto/keys"
import { SIZES } from "@sluice/crypto/keys"
import type { Server } from "@sluice/encoding/server-address"
import fc from "fast-check"
import type { QueueData } from "../src/commands/new.ts"
import type { Command } from "../src/commands.ts"
import type { LinkData, ServiceCounters } from "../src/types.ts"

/** Bytes of a bounded length. */
export const bytes = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength })

/** Ids are mostly of the usual size, but any short string is one. */
export const id: fc.Arbitrary<Uint8Array> = fc.oneof({ weight: 3, arbitrary: bytes(24, 24) }, bytes(255))

export const version: fc.Arbitrary<number> = fc.integer({ min: 6, max: 20 })

function keyOf<A extends Algorithm>(algorithm: A): fc.Arbitrary<PublicKey<A>> {
  const size = SIZES[algorithm].key
  return bytes(size, size).map((raw) => ({ kind: "public", algorithm, raw }))
}

export const x25519Key: fc.Arbitrary<X25519Key> = keyOf("x25519")
export const authKey: fc.Arbitrary<AuthKey> = fc.oneof(keyOf("ed25519"), keyOf("ed448"), keyOf("x25519"))

const passwordCharacters = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((character) =>
  /^[\u0021-\u002e\u0030-\u0039\u003b-\u003f\u0041-\u007e\u00a1-\u00ac\u00ae-\u00ff]$/.test(character),
)
const password: fc.Arbitrary<string> = fc.string({ unit: fc.constantFrom(...passwordCharacters), maxLength: 40 })

const host = fc.oneof(
  fc.domain(),
  fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((numbers) => numbers.join(".")),
  fc
    .string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567"), minLength: 56, maxLength: 56 })
    .map((text) => `${text}.onion`),
)

const server: fc.Arbitrary<Server> = fc.record({
  hosts: fc.array(host, { minLength: 1, maxLength: 4 }),
  port: fc.oneof(fc.constant(""), fc.nat(65535).map(String)),
  keyHash: bytes(32, 32),
})

const label = fc
  .array(fc.string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz0123456789"), minLength: 1, maxLength: 9 }), {
    minLength: 1,
    maxLength: 5,
  })
  .map((runs) => runs.join("-"))

export const simplexName: fc.Arbitrary<string> = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 4 }), fc.oneof(fc.constantFrom("simplex", "testing"), label))
  .map(([labels, last]) => [...labels, last].join("."))

export const linkData: fc.Arbitrary<LinkData> = fc.record({ fixed: bytes(300), user: bytes(300) })

export const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

const queueData: fc.Arbitrary<QueueData> = fc.oneof(
  fc.record({ mode: fc.constant("messaging" as const), link: optional(fc.record({ senderId: id, data: linkData })) }),
  fc.record({
    mode: fc.constant("contact" as const),
    link: optional(fc.record({ linkId: id, senderId: id, data: linkData })),
  }),
)

export const counters: fc.Arbitrary<ServiceCounters> = fc.record({
  count: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  hash: fc.oneof(bytes(16, 16), bytes(255)),
})

const tagged = <T extends string>(tag: T): fc.Arbitrary<{ tag: T }> => fc.record({ tag: fc.constant(tag) })

/** Every command, with all fields that the latest version has. */
export const commands: readonly fc.Arbitrary<Command>[] = [
  fc.record({
    tag: fc.constant("NEW" as const),
    recipientKey: authKey,
    dhKey: x25519Key,
    password: optional(password),
    subscription: fc.constantFrom("subscribe" as const, "create-only" as const),
    queueData: optional(queueData),
    notifier: optional(fc.record({ authKey, dhKey: x25519Key })),
  }),
  ...(["SUB", "LDEL", "NDEL", "GET", "OFF", "DEL", "QUE", "PING", "LGET", "NSUB"] as const).map(tagged),
  fc.record({ tag: fc.constantFrom("SUBS" as const, "NSUBS" as const), expected: counters }),
  fc.record({ tag: fc.constantFrom("KEY" as const, "SKEY" as const, "LKEY" as const), senderKey: authKey }),
  fc.record({ tag: fc.constant("RKEY" as const), recipientKeys: fc.array(authKey, { minLength: 1, maxLength: 8 }) }),
  fc.record({ tag: fc.constant("LSET" as const), linkId: id, data: linkData }),
  fc.record({ tag: fc.constant("NKEY" as const), notifierKey: authKey, dhKey: x25519Key }),
  fc.record({ tag: fc.constant("ACK" as const), msgId: id }),
  fc.record({ tag: fc.constant("SEND" as const), flags: fc.record({ notification: fc.boolean() }), body: bytes(2000) }),
  fc.record({ tag: fc.constant("PRXY" as const), server, password: optional(password) }),
  fc.record({ tag: fc.constant("PFWD" as const), version: fc.nat(65535), key: x25519Key, request: bytes(500) }),
  fc.record({ tag: fc.constant("RFWD" as const), request: bytes(500) }),
  fc.record({ tag: fc.constant("RSLV" as const), name: simplexName }),
]

export const command: fc.Arbitrary<Command> = fc.oneof(...commands)

/** One change that a faulty or hostile peer could make to bytes. */
export type Damage = (input: Uint8Array) => Uint8Array

/** Part of the way through the bytes. Without bias: most damage would else hit the tag and be refused at once. */
const position = fc.noBias(fc.integer({ min: 0, max: 999 })).map((thousandths) => thousandths / 1000)

/** Replaces, cuts, inserts or repeats some bytes somewhere. */
export const damage: fc.Arbitrary<Damage> = fc
  .tuple(
    position,
    fc.nat(8),
    fc.oneof(bytes(4), fc.constantFrom(Uint8Array.of(0), Uint8Array.of(0x20), Uint8Array.of(255))),
  )
  .map(
    ([where, remove, insert]): Damage =>
      (input) => {
        const at = Math.floor(where * input.length)
        return Uint8Array.of(...input.subarray(0, at), ...insert, ...input.subarray(at + remove))
      },
  )
