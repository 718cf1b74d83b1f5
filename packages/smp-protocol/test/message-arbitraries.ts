import fc from "fast-check"
import type { BlockingInfo, BrokerError, NameError, NetworkError, ProxyError, SmpError } from "../src/errors.ts"
import type { NameRecord } from "../src/messages/name.ts"
import type { BrokerMessage } from "../src/messages.ts"
import { bytes, counters, id, linkData, optional, x25519Key } from "./arbitraries.ts"

/** Latin-1 text, as 8-bit strings carry it. */
const latin1Text = fc.uint8Array({ maxLength: 60 }).map((codes) => String.fromCharCode(...codes))
const text = fc.string({ unit: "binary", maxLength: 40 })

export const networkError: fc.Arbitrary<NetworkError> = fc.oneof(
  fc.record({ type: fc.constantFrom("CONNECT" as const, "TLS" as const, "SUBSCRIBE" as const), text: latin1Text }),
  fc.record({ type: fc.constantFrom("UNKNOWNCA" as const, "FAILED" as const, "TIMEOUT" as const) }),
)

/** Without network details, which the wire drops. */
const brokerError: fc.Arbitrary<BrokerError> = fc.oneof(
  fc.record({ type: fc.constantFrom("RESPONSE" as const, "UNEXPECTED" as const), text: latin1Text }),
  fc.constant<BrokerError>({ type: "NETWORK", error: { type: "FAILED" } }),
  fc.record({
    type: fc.constant("TRANSPORT" as const),
    error: fc.constantFrom(
      "BLOCK" as const,
      "VERSION" as const,
      "HANDSHAKE PARSE" as const,
      "HANDSHAKE BAD_AUTH" as const,
    ),
  }),
  fc.record({ type: fc.constantFrom("TIMEOUT" as const, "HOST" as const, "NO_SERVICE" as const) }),
)

const nameError: fc.Arbitrary<NameError> = fc.oneof(
  fc.record({ type: fc.constantFrom("NO_RESOLVER" as const, "NOT_FOUND" as const) }),
  fc.record({ type: fc.constant("RESOLVER" as const), text }),
)

const blockingInfo: fc.Arbitrary<BlockingInfo> = fc.record({
  reason: fc.constantFrom("spam" as const, "content" as const),
  notice: optional(fc.record({ ttl: optional(fc.maxSafeInteger()) })),
})

export const smpError: fc.Arbitrary<SmpError> = fc.letrec<{ error: SmpError; proxy: ProxyError }>((tie) => ({
  error: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({ type: fc.constantFrom("BLOCK" as const, "AUTH" as const, "QUOTA" as const, "DUPLICATE_" as const) }),
    fc.record({
      type: fc.constant("CMD" as const),
      error: fc.constantFrom("UNKNOWN" as const, "SYNTAX" as const, "PROHIBITED" as const, "NO_ENTITY" as const),
    }),
    blockingInfo.map((info): SmpError => ({ type: "BLOCKED", ...info })),
    fc.record({ type: fc.constant("STORE" as const), text }),
    fc.record({ type: fc.constant("NAME" as const), error: nameError }),
    fc.record({ type: fc.constant("PROXY" as const), error: tie("proxy") }),
  ),
  proxy: fc.oneof(
    { depthSize: "small" },
    fc.record({ type: fc.constantFrom("BASIC_AUTH" as const, "NO_SESSION" as const) }),
    fc.record({ type: fc.constant("BROKER" as const), error: brokerError }),
    fc.record({ type: fc.constant("PROTOCOL" as const), error: tie("error") }),
  ),
})).error

const nameRecord: fc.Arbitrary<NameRecord> = fc.record({
  name: text,
  nickname: text,
  website: text,
  location: text,
  simplexContact: fc.array(text, { maxLength: 3 }),
  simplexChannel: fc.array(text, { maxLength: 3 }),
  eth: fc.option(text),
  btc: fc.option(text),
  xmr: fc.option(text),
  dot: fc.option(text),
  owner: text,
  resolver: text,
})

const notifier = fc.record({ notifierId: id, dhKey: x25519Key })
const version = fc.nat(65535)

/** Every message, with all fields that the latest version has. */
export const messages: readonly fc.Arbitrary<BrokerMessage>[] = [
  fc.record({
    tag: fc.constant("IDS" as const),
    recipientId: id,
    senderId: id,
    dhKey: x25519Key,
    queueMode: optional(fc.constantFrom("messaging" as const, "contact" as const)),
    linkId: optional(id),
    serviceId: optional(id),
    notifier: optional(notifier),
  }),
  fc.record({ tag: fc.constant("LNK" as const), senderId: id, data: linkData }),
  fc.record({ tag: fc.constant("SOK" as const), serviceId: optional(id) }),
  fc.record({ tag: fc.constantFrom("SOKS" as const, "ENDS" as const), counters }),
  fc.record({ tag: fc.constant("MSG" as const), msgId: id, body: bytes(1000) }),
  notifier.map((ids) => ({ tag: "NID" as const, ...ids })),
  fc.record({ tag: fc.constant("NMSG" as const), nonce: bytes(24, 24), meta: bytes(255) }),
  fc.record({
    tag: fc.constant("PKEY" as const),
    sessionId: id,
    versions: fc.tuple(version, version).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) })),
    certificates: fc.array(bytes(400), { minLength: 1, maxLength: 4 }),
    signedKey: bytes(200),
  }),
  fc.record({ tag: fc.constantFrom("RRES" as const, "PRES" as const), response: bytes(500) }),
  fc.record({
    tag: fc.constant("INFO" as const),
    secured: fc.boolean(),
    hasNotifier: fc.boolean(),
    subscription: optional(
      fc.record({ thread: fc.constantFrom("noSub" as const, "prohibitSub" as const), delivered: optional(bytes(24)) }),
    ),
    size: fc.nat(),
    first: optional(
      fc.record({
        msgId: bytes(24),
        timestamp: fc
          .date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) })
          .map((date) => date.toISOString()),
        type: fc.constantFrom("message" as const, "quota" as const),
      }),
    ),
  }),
  fc.record({ tag: fc.constant("ERR" as const), error: smpError }),
  fc.record({ tag: fc.constant("RNAME" as const), record: nameRecord }),
  ...(["ALLS", "END", "DELD", "OK", "PONG"] as const).map((tag) => fc.constant({ tag })),
]

export const message: fc.Arbitrary<BrokerMessage> = fc.oneof(...messages)
