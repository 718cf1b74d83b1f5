import { dhBoxKey } from "@sluice/crypto/box"
import { type Algorithm, encodePublicKey, type PrivateKey } from "@sluice/crypto/keys"
import { portableCrypto as c } from "@sluice/crypto/portable"
import { fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { pad } from "@sluice/encoding/padding"
import type { AuthPrivateKey } from "../src/authorization.ts"
import { batchTransmissions, singleContent } from "../src/batch.ts"
import { decodeBlock } from "../src/block.ts"
import { encodeClientMessage, MESSAGE_PADDED, sealClientMessage } from "../src/client-message.ts"
import { type Command, encodeCommand } from "../src/commands.ts"
import { type DeliveredContent, encodeDelivered, encryptDelivered } from "../src/delivered-body.ts"
import { formatSmpError } from "../src/error-string.ts"
import { idHash, idsHash } from "../src/ids-hash.ts"
import { type BrokerMessage, encodeBrokerMessage } from "../src/messages.ts"
import { encodeNotificationMeta, encryptNotificationMeta } from "../src/notification-meta.ts"
import { encodeOutgoing } from "../src/outgoing.ts"
import { sealForwarded, sealRequest, sealResponse } from "../src/proxy-envelope.ts"
import { senderIdOf } from "../src/sender-id.ts"
import {
  authorizedBytes,
  encodeResponse,
  encodeTransmission,
  forwardedParams,
  transmissionParams,
} from "../src/transmission.ts"
import { fixed, fixedKey, hex, keyVector } from "./own-inputs.ts"
import { outputOf, sha256 } from "./vector-values.ts"

const AUTH_ALGORITHMS = ["ed25519", "ed448", "x25519"] as const
const TRANSMISSION_VERSIONS = [6, 7, 16, 20]
const send: Command = { tag: "SEND", flags: { notification: true }, body: utf8("hello") }

/** The arrays that need keys. */
export function cryptoVectors(): Record<string, unknown> {
  return {
    transmissions: [
      ...TRANSMISSION_VERSIONS.flatMap((v) =>
        AUTH_ALGORITHMS.flatMap((a) => [transmission(v, { tag: "SUB" }, a, false), transmission(v, send, a, false)]),
      ),
      ...AUTH_ALGORITHMS.flatMap((a) => [transmission(20, { tag: "SUB" }, a, true), transmission(20, send, a, true)]),
      transmission(20, { tag: "SUBS", expected: { count: 2n, hash: fixed("hash", 16) } }, "ed25519", true),
      ...TRANSMISSION_VERSIONS.map(response),
    ],
    blockParse: TRANSMISSION_VERSIONS.flatMap(blocks),
    batches: [[16363], [16364], [100, 16364, 100], new Array(300).fill(119), new Array(300).fill(30), [8181, 8181]].map(
      batch,
    ),
    deliveredBodies: deliveredBodies(),
    notificationMeta: [notificationMeta()],
    senderIds: ["", "61", hex("corr", 24)].map((corrId, i) => ({
      name: `corrId ${i + 1}`,
      corrId,
      senderId: toHex(senderIdOf(c, fromHex(corrId))),
    })),
    idsHashes: [0, 1, 3].map((count) => {
      const ids = Array.from({ length: count }, (_, i) => fixed(`id ${i}`, 24))
      const each = ids.map((id) => toHex(idHash(c, id)))
      return { name: `${count}`, ids: ids.map(toHex), each, hash: toHex(idsHash(c, ids)) }
    }),
    proxyCases: [proxyCase(8, "ed25519", send), proxyCase(17, "x25519", send), proxyCase(20, undefined, RESOLVE)],
    clientMessages: [clientMessage()],
  }
}

const NOT_FOUND: BrokerMessage = { tag: "ERR", error: { type: "NAME", error: { type: "NOT_FOUND" } } }
const RESOLVE: Command = { tag: "RSLV", name: "alice.simplex" }
const sessionId = fixed("session", 32)
const corrId = fixed("corr", 24)
const entityId = fixed("entity", 24)
const serverKey = fixedKey("x25519", "server session")
const serverPublic = c.publicKeyOf(serverKey)

function transmission(
  version: number,
  command: Command,
  algorithm: (typeof AUTH_ALGORITHMS)[number],
  serviced: boolean,
): object {
  const params = transmissionParams(version, sessionId)
  const servicePrivate = fixedKey("ed25519", "service session")
  const sessionKey = { privateKey: servicePrivate, publicKey: c.publicKeyOf(servicePrivate) }
  const service = serviced ? { fingerprint: fixed("fingerprint", 32), sessionKey } : undefined
  const ofService = command.tag === "SUBS"
  const word = ofService ? "service session" : "queue"
  const key: AuthPrivateKey = ofService ? servicePrivate : fixedKey(algorithm as "ed25519", word)
  const encoded = encodeOutgoing({ crypto: c, serverKey: serverPublic, service }, params, {
    corrId,
    entityId,
    command,
    key,
  })
  const content = singleContent(encoded)
  const [parsed] = decodeBlock(content, params)
  if (parsed?.ok !== true) throw new Error("not accepted")
  const bytes = encodeCommand(command, version)
  return {
    name: `v${version} ${command.tag} ${algorithm}${serviced ? " service" : ""}`,
    version,
    sessionId: toHex(sessionId),
    corrId: toHex(corrId),
    entityId: toHex(entityId),
    command: toHex(bytes),
    key: keyVector(key.algorithm, word),
    serverSessionKey: keyVector("x25519", "server session"),
    service: serviced
      ? {
          serviceId: hex("service", 24),
          certHash: hex("fingerprint", 32),
          sessionKey: keyVector("ed25519", "service session"),
        }
      : null,
    authorized: toHex(authorizedBytes(sessionId, corrId, entityId, bytes)),
    authorization: toHex(parsed.authorization),
    serviceSignature: parsed.serviceSignature === undefined ? null : toHex(parsed.serviceSignature),
    transmission: toHex(encoded),
    content: toHex(content),
    blockSha256: sha256(pad(content, 16384)),
  }
}

function response(version: number): object {
  const params = transmissionParams(version, sessionId)
  const encoded = encodeResponse(params, corrId, entityId, { tag: "OK" })
  return {
    name: `response v${version} OK`,
    version,
    sessionId: toHex(sessionId),
    corrId: toHex(corrId),
    entityId: toHex(entityId),
    message: toHex(encodeBrokerMessage({ tag: "OK" }, version)),
    transmission: toHex(encoded),
    content: toHex(singleContent(encoded)),
  }
}

/** Good and bad blocks of a version, with what a server makes of them. */
function blocks(version: number): object[] {
  const params = transmissionParams(version, sessionId)
  const make = (authorization: number, entity: string, command: string): Uint8Array => {
    const parts = { corrId, entityId: utf8(entity), command: utf8(command) }
    return singleContent(
      encodeTransmission(params, { ...parts, authorization: new Uint8Array(authorization).fill(65) }),
    )
  }
  const contents: Record<string, Uint8Array> = {
    good: make(64, "id", "SUB"),
    empty: new Uint8Array(0),
    "count 0": Uint8Array.of(0),
    "surplus byte": Uint8Array.of(...make(0, "", "PING"), 0),
    "inner length too big": Uint8Array.of(1, 255, 255, 0),
    "empty transmission": Uint8Array.of(1, 0, 0),
    "authorization of 10 bytes": make(10, "id", "SUB"),
    "unknown command": make(64, "id", "FOO"),
    "syntax error before credentials": make(0, "id", "SUB "),
    "no authorization": make(0, "id", "SUB"),
    "no entity": make(0, "", "SEND T x"),
    "PING with entity": make(0, "id", "PING"),
  }
  return Object.entries(contents).map(([name, content]) => ({
    name: `v${version} ${name}`,
    version,
    sessionId: toHex(sessionId),
    content: toHex(content),
    results: decodeBlock(content, params).map((parsed) => {
      const ids = { corrId: toHex(parsed.corrId), entityId: toHex(parsed.entityId) }
      if (!parsed.ok) return { ...ids, error: formatSmpError(parsed.error) }
      return {
        ...ids,
        command: toHex(encodeCommand(parsed.command, version)),
        authorization: toHex(parsed.authorization),
        serviceSignature: null,
        authorized: toHex(parsed.signed.bytes()),
      }
    }),
  }))
}

function batch(sizes: readonly number[]): object {
  const items = sizes.map((size, i) => new Uint8Array(size).fill(i % 256))
  const batches = batchTransmissions(items).map((block) =>
    block.fits
      ? { count: block.count, length: block.content.length, sha256: sha256(block.content) }
      : { error: "LARGE_MSG" },
  )
  return { name: `${sizes.length} of ${sizes[0]}`, sizes, batches }
}

function secretOf(own: PrivateKey<"x25519">, peer: PrivateKey<"x25519">): Uint8Array {
  return c.diffieHellman(own, c.publicKeyOf(peer))
}

function deliveredBodies(): object[] {
  const timestamp = 1_641_032_645
  const message = (length: number): DeliveredContent => {
    return { kind: "message", timestamp, notify: true, body: new Uint8Array(length).fill(0x62) }
  }
  const contents: Record<string, DeliveredContent> = {
    empty: message(0),
    "16048": message(16048),
    quota: { kind: "quota", timestamp },
  }
  const secret = secretOf(serverKey, fixedKey("x25519", "recipient dh"))
  return Object.entries(contents).map(([name, content]) => {
    const encrypted = encryptDelivered(c, c.boxKey(secret), fixed("msg", 24), content)
    return {
      name,
      serverKey: keyVector("x25519", "server session"),
      recipientKey: keyVector("x25519", "recipient dh"),
      secret: toHex(secret),
      msgId: hex("msg", 24),
      content: outputOf(encodeDelivered(content)),
      encrypted: outputOf(encrypted),
      encryptedLength: encrypted.length,
    }
  })
}

function notificationMeta(): object {
  const meta = { msgId: fixed("msg", 24), timestamp: 1_641_032_645 }
  const encrypted = encryptNotificationMeta(c, c.boxKey(fixed("secret", 32)), fixed("nonce", 24), meta)
  return {
    name: "meta",
    secret: hex("secret", 32),
    nonce: hex("nonce", 24),
    msgId: toHex(meta.msgId),
    ts: String(meta.timestamp),
    content: toHex(encodeNotificationMeta(meta)),
    encrypted: toHex(encrypted),
  }
}

function proxyCase(version: number, algorithm: Algorithm | undefined, command: Command): object {
  const params = forwardedParams(version, sessionId)
  const proxyKey = fixedKey("x25519", "proxy")
  const ephemeral = fixedKey("x25519", "ephemeral")
  const layer1 = dhBoxKey(c, ephemeral, serverPublic)
  const layer2 = dhBoxKey(c, proxyKey, serverPublic)
  if (layer1 === undefined || layer2 === undefined) throw new Error("no secret")
  const entity = command.tag === "RSLV" ? new Uint8Array(0) : entityId
  const key = algorithm === undefined ? undefined : fixedKey(algorithm as "ed25519", "queue")
  const outgoing = { corrId, entityId: entity, command, key }
  const content = singleContent(encodeOutgoing({ crypto: c, serverKey: serverPublic }, params, outgoing))
  const [inside] = decodeBlock(content, params)
  if (inside?.ok !== true) throw new Error("not accepted")

  const hopCorrId = fixed("proxy corr", 24)
  const clientKey = c.publicKeyOf(ephemeral)
  const box = sealForwarded(c, layer1, corrId, "request", content)
  const pfwd = encodeCommand({ tag: "PFWD", version, key: clientKey, request: box }, 20)
  const hop = sealRequest(c, layer2, hopCorrId, { corrId, version, key: clientKey, box })
  const rfwd = encodeCommand({ tag: "RFWD", request: hop }, 20)
  const hopParams = transmissionParams(20, sessionId)
  const message: BrokerMessage = command.tag === "RSLV" ? NOT_FOUND : { tag: "OK" }
  const answer = singleContent(encodeResponse(params, corrId, entity, message))
  const answerBox = sealForwarded(c, layer1, corrId, "response", answer)
  const answerHop = sealResponse(c, layer2, hopCorrId, { corrId, box: answerBox })
  const contentOf = (id: Uint8Array, to: Uint8Array, bytes: Uint8Array): object | string =>
    outputOf(singleContent(encodeTransmission(hopParams, { corrId: id, entityId: to, command: bytes })))
  return {
    name: `v${version} ${command.tag} ${algorithm ?? "unsigned"}`,
    version,
    relaySessionId: toHex(sessionId),
    relaySessionKey: keyVector("x25519", "server session"),
    proxyKey: keyVector("x25519", "proxy"),
    ephemeralKey: keyVector("x25519", "ephemeral"),
    queueKey: algorithm === undefined ? null : keyVector(algorithm, "queue"),
    corrId: toHex(corrId),
    proxyCorrId: toHex(hopCorrId),
    entityId: toHex(entity),
    command: toHex(encodeCommand(command, version)),
    layer1Secret: toHex(secretOf(ephemeral, serverKey)),
    layer2Secret: toHex(secretOf(proxyKey, serverKey)),
    authorized: toHex(inside.signed.bytes()),
    authorization: toHex(inside.authorization),
    inner: toHex(content),
    innerLength: content.length,
    box1: outputOf(box),
    pfwdCommand: outputOf(pfwd),
    pfwdContent: contentOf(corrId, sessionId, pfwd),
    box2: outputOf(hop),
    rfwdCommand: outputOf(rfwd),
    rfwdContent: contentOf(hopCorrId, new Uint8Array(0), rfwd),
    response: toHex(encodeBrokerMessage(message, version)),
    responseInner: toHex(answer),
    box1Response: outputOf(answerBox),
    box2Response: outputOf(answerHop),
    rresCommand: outputOf(encodeBrokerMessage({ tag: "RRES", response: answerHop }, 20)),
    presCommand: outputOf(encodeBrokerMessage({ tag: "PRES", response: answerBox }, 20)),
  }
}

function clientMessage(): object {
  const secret = secretOf(fixedKey("x25519", "sender dh"), fixedKey("x25519", "recipient dh"))
  const message = { senderKey: c.publicKeyOf(fixedKey("ed25519", "sender")), body: fixed("body", 50) }
  const envelope = { version: 4, nonce: fixed("nonce", 24) }
  const sealed = sealClientMessage(c, c.boxKey(secret), envelope, message, MESSAGE_PADDED)
  const plain = encodeClientMessage(message)
  return {
    name: "message with sender key",
    recipientKey: keyVector("x25519", "recipient dh"),
    senderKey: keyVector("x25519", "sender dh"),
    secret: toHex(secret),
    clientVersion: envelope.version,
    nonce: toHex(envelope.nonce),
    privHeader: `4b2c${toHex(encodePublicKey(message.senderKey))}`,
    body: toHex(plain.subarray(plain.length - message.body.length)),
    paddedLength: MESSAGE_PADDED,
    envelope: outputOf(sealed),
    envelopeLength: sealed.length,
  }
}
