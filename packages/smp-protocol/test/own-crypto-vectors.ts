import { portableCrypto as c } from "@sluice/crypto/portable"
import { fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { pad } from "@sluice/encoding/padding"
import type { AuthPrivateKey } from "../src/authorization.ts"
import { batchTransmissions, singleContent } from "../src/batch.ts"
import { decodeBlock } from "../src/block.ts"
import { type Command, encodeCommand } from "../src/commands.ts"
import { type DeliveredContent, encodeDelivered, encryptDelivered } from "../src/delivered-body.ts"
import { formatSmpError } from "../src/error-string.ts"
import { idHash, idsHash } from "../src/ids-hash.ts"
import { encodeBrokerMessage } from "../src/messages.ts"
import { encodeNotificationMeta, encryptNotificationMeta } from "../src/notification-meta.ts"
import { encodeOutgoing } from "../src/outgoing.ts"
import { senderIdOf } from "../src/sender-id.ts"
import { authorizedBytes, encodeResponse, encodeTransmission, transmissionParams } from "../src/transmission.ts"
import { envelopeVectors, secretOf } from "./own-envelope-vectors.ts"
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
    ...envelopeVectors(),
  }
}

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
